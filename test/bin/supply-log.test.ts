import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeStagingArea, removeTree, runUnprivileged, type StagingArea, unpackPackage } from './staging-area.ts';

let packageDir: string;
let area: StagingArea;

beforeAll(() => {
  packageDir = unpackPackage();
});
afterAll(() => removeTree(packageDir));
beforeEach(() => {
  area = makeStagingArea();
});
afterEach(() => removeTree(area.root));

interface Case {
  readonly environment?: Readonly<Record<string, string>>;
  readonly depsIdx?: string;
  /** By their path in BUILD_DIR. */
  readonly app?: Readonly<Record<string, string>>;
  /** By their path in DEPS_DIR. */
  readonly deps?: Readonly<Record<string, string>>;
  readonly status?: number;
}

const poolType = { POOL_TYPE: 'SignalPool' };
const grants = '[{"topic":"demo.*","action":"publish"}]';

test.each<[string, Case]>([
  ['defaults', { environment: poolType }],
  ['without-pool-type', {}],
  [
    'everything-set',
    {
      environment: {
        ...poolType,
        REQUESTED_GRANTS: grants,
        INSTANCE_ID: '{space}-{app}-{process}-{index}',
        SIDECAR_MEMORY: '192',
        SIDECAR_FOR: 'web,worker',
        SIDECAR_BUS_API_URL: 'https://bus.example:9443',
        SIDECAR_HOLD_APP: 'true',
      },
      app: { Procfile: 'web: node plugin.js\nworker: node worker.js\n' },
    },
  ],
  [
    'configuration-file',
    {
      environment: { SIDECAR_CONFIG: 'config/sidecar.yml' },
      app: { 'config/sidecar.yml': 'pool_type: SignalPool\nbus_api_url: https://bus.example\n' },
    },
  ],
  [
    'bound-service',
    {
      environment: {
        ...poolType,
        VCAP_SERVICES: JSON.stringify({
          'user-provided': [
            { name: 'bus', tags: ['meridian-bus'], credentials: { url: 'https://bus.example', token: 's3cret' } },
          ],
        }),
      },
    },
  ],
  [
    'type-without-process',
    { environment: { ...poolType, SIDECAR_FOR: 'web,wroker' }, app: { Procfile: 'worker: node worker.js\n' } },
  ],
  ['ten-buildpacks', { environment: poolType, depsIdx: '03', status: 78 }],
  ['twelve-buildpacks', { environment: poolType, depsIdx: '10' }],
  [
    'listed-twice',
    {
      environment: poolType,
      depsIdx: '1',
      deps: {
        '0/config.yml': 'name: meridian-sidecar\n',
        '0/launch.yml': 'processes: [{type: meridian-sidecar, command: run}]\n',
      },
      status: 78,
    },
  ],
  [
    'every-fault',
    {
      environment: {
        POOL_TYPE: 'Signal Pool',
        SIDECAR_MEMORY: '128M',
        SIDECAR_FOR: 'web worker',
        REQUESTED_GRANTS: '[{topic: demo}]',
        INSTANCE_ID: '{org}-1',
        TAGS: 'a b',
        SIDECAR_BUS_TOKEN: 's3cret one',
        SIDECAR_CONFIG: 'sidecar.yml',
      },
      depsIdx: '1',
      app: { Procfile: 'meridian-sidecar: mine\n', 'sidecar.yml': 'log_levle: debug\n' },
      deps: { '0/launch.yml': 'processes: [{type: meridian-sidecar, command: other}]\n' },
      status: 78,
    },
  ],
])('the log of a push, %s, reads as its snapshot', async (name, { environment = {}, depsIdx = '0', ...files }) => {
  writeFiles(area.buildDir, files.app);
  writeFiles(area.depsDir, files.deps);
  const args = [area.buildDir, area.cacheDir, area.depsDir, depsIdx];
  const vcap = JSON.stringify({ application_name: 'oms', space_name: 'dev' });
  // The platform shows both streams as one.
  const both = ['-c', 'exec "$0" "$@" 2>&1', path.join(packageDir, 'bin/supply'), ...args];
  const result = runUnprivileged('/bin/bash', both, { VCAP_APPLICATION: vcap, ...environment });
  expect(result.status).toBe(files.status ?? 0);
  const log = result.stdout.replace(/(?<=version )\S+/, 'VERSION').replace(/(?<=Node )[\d.]+/, 'VERSION');
  expect(log).not.toContain('s3cret');
  await expect(log).toMatchFileSnapshot(`logs/${name}.log`);
});

function writeFiles(root: string, files: Readonly<Record<string, string>> = {}): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text, { mode: 0o644 });
  }
}
