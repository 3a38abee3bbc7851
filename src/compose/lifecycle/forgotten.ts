import {
  type Container,
  composeLabels,
  joins,
  labels,
  listContainers,
  removeContainer,
  roleOf,
} from '../engine/container.ts';
import { openMark } from '../engine/container-spec.ts';
import type { Docker } from '../engine/docker.ts';
import { identifyEngine } from '../engine/engine.ts';
import type { StateFiles } from '../state/state-files.ts';
import { serviceLock } from './embedded-bus.ts';
import { drainAndRemove } from './sidecar-container.ts';

/** One container of the provider, for people to read. */
export interface OverviewRow {
  readonly project: string;
  readonly service: string;
  readonly role: string;
  readonly state: string;
  readonly container: string;
  /** Names of the containers in its network. */
  readonly plugins: readonly string[];
  /** Published, as the option `publish` writes them. */
  readonly ports: readonly string[];
  /** Nothing else of its project is left: garbage. */
  readonly isForgotten: boolean;
  /** A bus without a policy: every caller may be any instance and use every topic. */
  readonly isOpen: boolean;
}

export interface OverviewSources {
  readonly docker: Docker;
  readonly state: StateFiles;
}

/** Every container of the provider on this engine. */
export async function overview({ docker }: OverviewSources): Promise<OverviewRow[]> {
  return (await listProjects(docker)).flatMap(({ ours, others }) =>
    ours.map((each) => ({
      project: each.labels[labels.project] ?? '',
      service: each.labels[labels.service] ?? '',
      role: roleOf(each) ?? '',
      state: each.state,
      container: each.name,
      plugins: others.filter((other) => joins(other, each)).map(({ name }) => name),
      ports: each.ports,
      isForgotten: others.length === 0,
      isOpen: each.labels[labels.policy] === openMark,
    })),
  );
}

export interface CollectRequest extends OverviewSources {
  /** The names of the projects to examine; empty: all. */
  readonly projects: readonly string[];
  /** Milliseconds since the Unix epoch. */
  readonly wallTimeMs: number;
  /** Younger containers may belong to an `up` in progress: Compose creates the plugin after the provider has answered. */
  readonly minAgeMs: number;
  readonly isDryRun: boolean;
}

/**
 * Collects garbage: the containers and networks of each project of which only the provider's are left. @returns their names.
 */
export async function collectGarbage(request: CollectRequest): Promise<string[]> {
  const { docker, state, projects, isDryRun } = request;
  const engine = await identifyEngine(docker);
  const removed: string[] = [];
  for (const { project, ours, others } of await listProjects(docker)) {
    if (projects.length > 0 && !projects.includes(project)) continue;
    if (others.length > 0 || ours.some((each) => ageMs(each, request) < request.minAgeMs)) continue;
    const releases = takeLocks(state, project, ours);
    if (releases === undefined) continue;
    try {
      removed.push(...ours.map(({ name }) => name));
      if (!isDryRun) {
        await drainAndRemove({ docker }, ours);
        for (const each of ours) if (roleOf(each) === 'bus') await removeContainer(docker, each.id);
      }
      removed.push(...(await removeNetworks(docker, project, isDryRun)));
      for (const service of servicesOf(ours)) state.forget({ engine: engine.id, project, service });
    } finally {
      for (const release of releases) release();
    }
  }
  return removed;
}

interface ProjectContainers {
  readonly project: string;
  readonly ours: readonly Container[];
  readonly others: readonly Container[];
}

async function listProjects(docker: Docker): Promise<ProjectContainers[]> {
  const ours = await listContainers(docker, [labels.role]);
  const projects = [...new Set(ours.map((each) => each.labels[labels.project] ?? ''))].sort();
  return await Promise.all(
    projects.map(async (project) => ({
      project,
      ours: ours.filter((each) => each.labels[labels.project] === project),
      others: (await listContainers(docker, [`${composeLabels.project}=${project}`])).filter(
        (each) => roleOf(each) === undefined,
      ),
    })),
  );
}

/** Undefined, with no lock held, when a call for one of the services is in progress. */
function takeLocks(state: StateFiles, project: string, ours: readonly Container[]): (() => void)[] | undefined {
  const releases: (() => void)[] = [];
  for (const service of servicesOf(ours)) {
    const release = state.tryLock(serviceLock({ project, service }));
    if (release === undefined) {
      for (const each of releases) each();
      return undefined;
    }
    releases.push(release);
  }
  return releases;
}

function servicesOf(ours: readonly Container[]): string[] {
  return [...new Set(ours.map((each) => each.labels[labels.service] ?? ''))];
}

function ageMs({ createdAt }: Container, { wallTimeMs }: CollectRequest): number {
  return wallTimeMs - Date.parse(createdAt);
}

/** Compose could not remove them while the provider's containers used them. */
async function removeNetworks(docker: Docker, project: string, isDryRun: boolean): Promise<string[]> {
  const filter = `label=${composeLabels.project}=${project}`;
  const listed = await docker.run(['network', 'ls', '--filter', filter, '--format', '{{.Name}}']);
  const removed: string[] = [];
  for (const name of listed.split('\n').filter((each) => each !== '')) {
    const outcome = isDryRun ? undefined : await docker.call(['network', 'rm', name]);
    if (outcome === undefined || outcome.exitCode === 0) removed.push(name);
  }
  return removed;
}
