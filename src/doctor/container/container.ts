import path from 'node:path';
import type { UserFacingError } from '../../base/user-facing-error.ts';
import { depsPaths } from '../../buildpack/layout.ts';
import type { BindingSources } from '../../contract/config/bus/service-binding.ts';
import { type Environment, readVariable } from '../../contract/config/environment.ts';
import { parseMemoryLimit } from '../../contract/config/memory-limit.ts';
import { readPlatformIdentity } from '../../contract/config/platform-identity.ts';
import type { ConfigFile } from '../../contract/config/settings/config-file.ts';
import { leastMemoryMb } from '../../contract/config/settings/staging-values.ts';
import { examineSidecarConfig, type SidecarConfig } from '../../contract/config/sidecar-config.ts';
import { patternProblem } from '../../contract/wire/topics/topic.ts';
import { findUnknownVariables } from '../environment-checks.ts';
import { errorOf, type Finding, warningOf } from '../finding.ts';
import type { DoctorReport } from '../report.ts';
import { settingTable } from '../setting-table.ts';
import { examineBus, proxiesIn } from './bus-checks.ts';
import { examineCredentials } from './credential-checks.ts';
import type { Probes } from './probes.ts';
import { examineSidecar } from './sidecar-checks.ts';

export interface ContainerSources {
  readonly environment: Environment;
  /** The file that SIDECAR_CONFIG names, or why it cannot be read. */
  readonly configFile: ConfigFile | UserFacingError | undefined;
  readonly bindings: BindingSources;
  readonly probes: Probes;
}

/** Reports the settings of this container's sidecar, and problems of the settings, the sidecar and its way to the bus. */
export async function examineContainer(sources: ContainerSources): Promise<DoctorReport> {
  const { environment, bindings, configFile, probes } = sources;
  const file = configFile !== undefined && 'text' in configFile ? configFile : undefined;
  const examined = examineSidecarConfig({
    environment,
    bindings,
    ...(file && { configFile: file }),
    checkPattern: patternProblem,
  });
  const errors = [...(configFile instanceof Error ? [configFile] : []), ...examined.errors];
  const around = await examineSurroundings(examined.config, errors, sources);
  return {
    subject: subjectOf(environment),
    settings: settingTable({
      environment,
      readings: examined.readings,
      readers: ['run', 'plugin'],
      sourceOf: () => 'environment',
    }),
    notes: around.notes,
    findings: [
      ...errors.map((fault): Finding => ({ severity: 'error', fault })),
      ...findUnknownVariables(environment),
      ...memoryFindings(environment),
      ...(await findMissingSidecar(environment, probes)),
      ...around.findings,
    ],
  };
}

interface Surroundings {
  readonly notes: readonly string[];
  readonly findings: readonly Finding[];
}

/** An address that is known to be wrong is not probed. */
async function examineSurroundings(
  config: SidecarConfig,
  errors: readonly UserFacingError[],
  { environment, probes }: ContainerSources,
): Promise<Surroundings> {
  const isWrong = (subjects: RegExp): boolean => errors.some(({ id }) => subjects.test(id));
  const { network, nowMs } = probes;
  const credentials = await examineCredentials(config, probes);
  if (network === undefined) {
    const skipped = 'Neither the sidecar nor the bus was asked, because of --offline.';
    return { notes: [...credentials.notes, skipped], findings: credentials.findings };
  }
  const { places, tls, origin } = config.busApiUrl;
  const shared = { proxy: config.busProxy, otherProxies: proxiesIn(environment), tls: credentials.tls, network, nowMs };
  const [sidecar, ...buses] = await Promise.all([
    isWrong(/^config\/(addr|health-addr|status-addr)\//) ? undefined : examineSidecar(config, network),
    ...(isWrong(/^config\/(bus-|tls\/)/)
      ? []
      : places.map((place) => examineBus({ url: { ...place, tls, origin }, ...shared }))),
  ]);
  return {
    notes: [...(sidecar?.notes ?? []), ...buses.flatMap(({ notes }) => notes), ...credentials.notes],
    findings: [...credentials.findings, ...buses.flatMap(({ findings }) => findings), ...(sidecar?.findings ?? [])],
  };
}

function subjectOf(environment: Environment): string {
  const identity = readPlatformIdentity(environment);
  if (!identity.ok || !identity.value.onCloudFoundry) return 'this container';
  const { app = 'unknown', process = 'task', index = '0' } = identity.value;
  return `this container: application ${app}, process ${process}, instance ${index}`;
}

/** The wrapper derives V8's limits from MEMORY_LIMIT. In a shell of `cf ssh` that is the app's, not the sidecar's. */
function memoryFindings(environment: Environment): Finding[] {
  const limit = readVariable(environment, 'MEMORY_LIMIT');
  if (limit === undefined) return [];
  const bytes = parseMemoryLimit(limit);
  if (bytes === undefined) return [badLimit(limit)];
  return bytes / 2 ** 20 < leastMemoryMb ? [smallLimit(limit)] : [];
}

async function findMissingSidecar(environment: Environment, probes: Probes): Promise<Finding[]> {
  const depsDir = readVariable(environment, 'DEPS_DIR');
  if (depsDir === undefined) return [];
  const list = async (folder: string): Promise<readonly string[]> => await probes.listFolder(folder).catch(() => []);
  const home = path.basename(depsPaths.sidecar);
  for (const name of await list(depsDir)) {
    if ((await list(path.join(depsDir, name, depsPaths.home))).includes(home)) return [];
  }
  return [noSidecar(depsDir)];
}

function badLimit(limit: string): Finding {
  return warningOf({
    id: 'doctor/memory-limit/malformed',
    found: `MEMORY_LIMIT is "${limit}"`,
    expected: 'The sidecar then runs with the limits that V8 chooses, which may be more than it has.',
    next: ['Leave it to the platform, or write it as 128m.'],
  });
}

function smallLimit(limit: string): Finding {
  return warningOf({
    id: 'doctor/memory-limit/too-small',
    found: `MEMORY_LIMIT is ${limit}`,
    expected: `The sidecar needs at least ${leastMemoryMb} MB for what it holds.`,
    next: ['Raise SIDECAR_MEMORY and the memory of the process, and push again.'],
  });
}

function noSidecar(depsDir: string): Finding {
  return errorOf({
    id: 'doctor/droplet/no-sidecar',
    found: `No buildpack has put a sidecar below ${depsDir}`,
    expected: 'This droplet was staged without this buildpack.',
    next: ['Push with this buildpack before the final one: `cf push -b meridian-sidecar -b nodejs_buildpack`.'],
  });
}
