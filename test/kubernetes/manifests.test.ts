import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { parsePolicy } from '../../src/bus/access/policy.ts';
import { loadSidecarConfig } from '../../src/contract/config/sidecar-config.ts';
import { patternProblem } from '../../src/contract/wire/topics/topic.ts';
import { runCli } from '../sidecar/processes.ts';

const root = path.resolve(import.meta.dirname, '../..');

interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly restartPolicy?: string;
  readonly resources: { readonly limits: { readonly memory: string } };
  readonly securityContext: object;
  readonly [probe: `${string}Probe`]: {
    readonly httpGet?: { readonly path: string; readonly port: string | number };
    readonly periodSeconds?: number;
    readonly failureThreshold?: number;
    readonly terminationGracePeriodSeconds?: number;
  };
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly securityContext: object;
        readonly initContainers?: readonly Container[];
        readonly containers: readonly Container[];
      };
    };
  };
}

function manifestsOf(file: string): Manifest[] {
  const documents = parseAllDocuments(readFileSync(path.join(root, 'fixtures/kubernetes', file), 'utf8'));
  expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
  return documents.map((document) => document.toJS() as Manifest);
}

function only(manifests: readonly Manifest[], kind: string): Manifest {
  const found = manifests.filter((manifest) => manifest.kind === kind);
  expect(found).toHaveLength(1);
  return found[0] as Manifest;
}

const bus = manifestsOf('bus.yaml');
const plugin = manifestsOf('plugin.yaml');
const pods = [only(bus, 'StatefulSet'), only(plugin, 'StatefulSet')].map(({ spec }) => spec.template.spec);
const [sidecar] = pods[1]?.initContainers ?? [];

test('no container is root, writes its root file system, or has a capability', () => {
  for (const pod of pods) {
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 1000,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    for (const container of [...(pod.initContainers ?? []), ...pod.containers]) {
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(container.resources.limits.memory).toMatch(/^\d+Mi$/);
    }
  }
});

describe('the sidecar', () => {
  test('is a native sidecar container of the version of this repository', () => {
    const version = readFileSync(path.join(root, 'VERSION'), 'utf8').trim();
    expect(sidecar?.restartPolicy).toBe('Always');
    for (const image of [sidecar?.image, pods[0]?.containers[0]?.image])
      expect(image).toMatch(new RegExp(`:${version}$`));
  });

  test('accepts its settings, with the name of a pod as its instance id', () => {
    const environment = Object.fromEntries(
      (sidecar?.env ?? []).map(({ name, value }) => [name, name === 'INSTANCE_ID' ? 'quotes-0' : (value ?? '')]),
    );
    const config = loadSidecarConfig({ environment, checkPattern: patternProblem, startedAtMs: 0 });
    expect(config).toMatchObject({
      instanceId: 'quotes-0',
      poolType: 'SignalPool',
      busApiUrl: { address: 'meridian-bus:8443', tls: false },
    });
    expect(environment['SIDECAR_BUS_TOKEN_FILE']).toBe('/run/secrets/meridian/bus-token');
    const port = sidecar?.ports?.find(({ name }) => name === 'health')?.containerPort;
    expect(config.healthAddress).toMatchObject({ port });
  });

  test('is asked on the paths that it answers', () => {
    const asked = ['startupProbe', 'livenessProbe', 'readinessProbe'].map(
      (name) => sidecar?.[name as 'startupProbe']?.httpGet,
    );
    expect(asked).toEqual(['/healthz', '/livez', '/readyz'].map((each) => ({ path: each, port: 'health' })));
  });

  test('answers for the plugin too, which starts again before it', () => {
    const plugin = pods[1]?.containers[0];
    expect(plugin?.livenessProbe?.httpGet).toEqual({ path: '/livez', port: 9192 });
    const secondsOf = ({ periodSeconds = 10, failureThreshold = 3 } = {}): number => periodSeconds * failureThreshold;
    const stop = plugin?.livenessProbe?.terminationGracePeriodSeconds ?? Number.POSITIVE_INFINITY;
    // Stopped, started, and asked for its health once more.
    const healed = secondsOf(plugin?.livenessProbe) + stop + 20;
    expect(secondsOf(sidecar?.livenessProbe)).toBeGreaterThan(healed);
  });

  test('has more time to stop than plugin and sidecar take one after the other', () => {
    const { shutdown } = loadSidecarConfig({
      environment: { INSTANCE_ID: 'quotes-0', POOL_TYPE: 'SignalPool' },
      checkPattern: patternProblem,
      startedAtMs: 0,
    });
    const graceMs = (pods[1]?.terminationGracePeriodSeconds ?? 0) * 1_000;
    expect(graceMs).toBeGreaterThan(shutdown.drainMs + shutdown.totalMs);
  });
});

describe('the bus', () => {
  const text = only(bus, 'ConfigMap').data?.['policy.yml'] ?? '';

  test('has a policy that it accepts, and that knows the token of the plugin', () => {
    const policy = parsePolicy({ path: 'policy.yml', text });
    const token = only(plugin, 'Secret').stringData?.['bus-token'] ?? '';
    expect(text).toContain(createHash('sha256').update(token).digest('hex'));
    expect(policy.rules).toMatchObject([{ principals: ['quotes'], instances: ['quotes-*'], pools: ['SignalPool'] }]);
  });

  test('is started with arguments that it understands', async () => {
    const program = runCli(...(pods[0]?.containers[0]?.args ?? []));
    // The files are those of the container; a wrong option would have ended it with 64.
    expect(await program.exited).toBe(78);
    expect(program.stderr).toContain('the policy file /etc/meridian/policy.yml cannot be read');
  });
});
