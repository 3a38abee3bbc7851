import { manifestMegabytes, parseManifestYaml } from '../../base/manifest-yaml.ts';
import { buildpackName } from '../../buildpack/layout.ts';
import { errorOf, type Finding } from '../finding.ts';
import { readManifestEnvironment } from '../manifest/environment.ts';
import { findRefusals } from '../manifest/refusals.ts';
import { asMapping, type Mapping, readYaml } from '../yaml-text.ts';

/** The parts of an app's manifest that matter to a sidecar. */
export interface CloudApp {
  readonly name: string;
  /** In order; empty when `cf push` or the platform chooses them. */
  readonly buildpacks: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly services: readonly string[];
  /** `web` first, which every app has. */
  readonly processes: readonly CloudProcess[];
  /** The sidecars that the manifest itself declares. */
  readonly sidecars: readonly CloudSidecar[];
}

export interface CloudProcess {
  readonly type: string;
  /** Undefined: the platform's default. */
  readonly memoryMb: number | undefined;
  readonly instances: number;
  /** Undefined: the command of the Procfile or the final buildpack. */
  readonly command: string | undefined;
  readonly healthCheck: 'port' | 'http' | 'process';
  readonly healthEndpoint: string;
  /** The manifest gives it a command or its own entry. */
  readonly isDeclared: boolean;
}

export interface CloudSidecar {
  readonly name: string;
  readonly processTypes: readonly string[];
  readonly memoryMb: number;
}

export interface CloudManifest {
  readonly apps: readonly CloudApp[];
  readonly findings: readonly Finding[];
}

/**
 * The sidecar that the manifest declares under the buildpack's own name. That is right for `cf push --droplet`, which does not
 * stage, and a conflict when the buildpack adds a sidecar.
 */
export function ownSidecar({ sidecars }: CloudApp): CloudSidecar | undefined {
  return sidecars.find(({ name }) => name === buildpackName);
}

/**
 * Reads a manifest.yml and replaces `((name))` from `variables`, as `cf push --var` does. An unreadable part is a finding, and
 * the rest is still read.
 */
export function readCloudManifest(text: string, variables: Readonly<Record<string, string>>): CloudManifest {
  const findings: Finding[] = [];
  const document = readYaml(text, (reason) => findings.push(notYaml(reason)), parseManifestYaml);
  const unknown = new Set<string>();
  const filled = asMapping(fillIn(document, variables, unknown));
  if (unknown.size > 0) findings.push(unfilled([...unknown]));
  const listed = asList(filled['applications']).map(asMapping);
  if (listed.length === 0 && findings.length === 0) findings.push(noApplications());
  return { apps: listed.map((raw) => readApp(raw, findings)), findings };
}

function fillIn(value: unknown, variables: Readonly<Record<string, string>>, unknown: Set<string>): unknown {
  if (typeof value === 'string') {
    const [, whole] = /^\(\(([\w./-]+)\)\)$/.exec(value) ?? [];
    if (whole !== undefined) {
      if (variables[whole] === undefined) unknown.add(whole);
      // A whole value has the type that YAML gives it.
      return variables[whole] === undefined ? undefined : parseManifestYaml(variables[whole]);
    }
    return value.replaceAll(/\(\(([\w./-]+)\)\)/g, (whole, name: string) => {
      if (variables[name] === undefined) unknown.add(name);
      return variables[name] ?? whole;
    });
  }
  if (Array.isArray(value)) return value.map((item) => fillIn(item, variables, unknown));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillIn(item, variables, unknown)]));
}

function readApp(raw: Mapping, findings: Finding[]): CloudApp {
  const name = String(raw['name'] ?? 'app');
  findings.push(...findRefusals(raw));
  const listed = asList(raw['processes']).map(asMapping);
  const web = listed.find(({ type }) => type === 'web');
  const processes = [{ ...raw, ...web, type: 'web' }, ...listed.filter(({ type }) => type !== 'web')];
  const single = raw['buildpack'];
  return {
    name,
    buildpacks: asList(raw['buildpacks'] ?? (single === undefined ? [] : [single])).map(String),
    env: readManifestEnvironment(asMapping(raw['env']), findings),
    services: asList(raw['services']).map((each) => String(asMapping(each)['name'] ?? each)),
    processes: processes.map((each) => readProcess(each, { app: name, findings })),
    sidecars: asList(raw['sidecars'])
      .map(asMapping)
      .map((each) => ({
        name: String(each['name'] ?? ''),
        processTypes: asList(each['process_types']).map(String),
        memoryMb: manifestMegabytes(each['memory']) ?? 0,
      })),
  };
}

function readProcess(raw: Mapping, place: { readonly app: string; readonly findings: Finding[] }): CloudProcess {
  const type = String(raw['type'] ?? '');
  const memory = raw['memory'];
  const memoryMb = memory === undefined || memory === null ? undefined : manifestMegabytes(memory);
  if (memory !== undefined && memory !== null && memoryMb === undefined) {
    place.findings.push(badMemory(place.app, type, String(memory)));
  }
  const instances = Number(raw['instances'] ?? 1);
  const command = raw['command'];
  // `none` is the platform's older name for `process`.
  const written = raw['health-check-type'] === 'none' ? 'process' : raw['health-check-type'];
  return {
    type,
    memoryMb,
    instances: Number.isInteger(instances) ? instances : 1,
    healthCheck: written === 'http' || written === 'process' ? written : 'port',
    command: typeof command === 'string' && !['', 'null', 'default'].includes(command) ? command : undefined,
    healthEndpoint: String(raw['health-check-http-endpoint'] ?? '/'),
    isDeclared: type !== 'web' || 'command' in raw,
  };
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function notYaml(reason: string): Finding {
  return errorOf({
    id: 'doctor/manifest/yaml',
    found: `manifest.yml is not YAML: ${reason}`,
    next: ['Correct manifest.yml.'],
  });
}

function noApplications(): Finding {
  return errorOf({
    id: 'doctor/manifest/applications',
    found: 'manifest.yml lists no `applications`',
    next: ['Start it with `applications:` and `- name: …`.'],
  });
}

function unfilled(names: readonly string[]): Finding {
  return errorOf({
    id: 'doctor/manifest/variables',
    found: `manifest.yml holds ${names.map((name) => `((${name}))`).join(', ')}, and nothing says what to put there`,
    expected: '`cf push` fails without them too.',
    next: [`Give each, as to cf push: --var ${names[0]}=…`],
  });
}

function badMemory(app: string, type: string, written: string): Finding {
  return errorOf({
    id: 'doctor/manifest/memory',
    found: `The memory of ${type} of ${app} is "${written}"`,
    expected: 'It must be a number above zero with the unit B, K, M, G or T, such as 256M or 1G.',
    next: ['Correct manifest.yml.'],
  });
}
