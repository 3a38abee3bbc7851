import { UserFacingError } from '../../base/user-facing-error.ts';
import { composeLabels } from './container.ts';
import type { Docker } from './docker.ts';

/** The engine that this process reaches. */
export interface Engine {
  /** The engine's own id; a new installation at the same endpoint has another. */
  readonly id: string;
  /** Such as `unix:///var/run/docker.sock`. */
  readonly endpoint: string;
  /** Such as `linux/x86_64`. */
  readonly platform: string;
}

/** @throws UserFacingError `compose/engine/unreachable`. */
export async function identifyEngine(docker: Docker): Promise<Engine> {
  const [info, context] = await Promise.all([
    docker.call(['info', '--format', '{{.OSType}}/{{.Architecture}} {{.ID}}']),
    docker.call(['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}']),
  ]);
  const [platform = '', ...rest] = info.stdout.trim().split(' ');
  const id = rest.join(' ');
  const endpoint = context.exitCode === 0 ? context.stdout.trim() : 'the default endpoint';
  if (info.exitCode === 0 && id !== '') return { id, endpoint, platform };
  throw new UserFacingError({
    id: 'compose/engine/unreachable',
    found: `the engine at ${endpoint} does not answer: ${info.stderr.trim().split('\n').at(-1) ?? ''}`,
    expected: 'The provider calls `docker` with the environment of Compose, but -H and --context are not part of that.',
    next: ['Start the engine, or name it with DOCKER_HOST or DOCKER_CONTEXT.'],
  });
}

export interface NetworkRequest {
  readonly docker: Docker;
  readonly engine: Engine;
  readonly project: string;
  /** The networks' names in the Compose file. */
  readonly names: readonly string[];
}

/** The engine's names of the project's networks. @throws UserFacingError `compose/network/missing`. */
export async function projectNetworks({ docker, engine, project, names }: NetworkRequest): Promise<string[]> {
  const listed = await docker.run([
    ...['network', 'ls', '--filter', `label=${composeLabels.project}=${project}`],
    ...['--format', `{{.Label "${composeLabels.network}"}} {{.Name}}`],
  ]);
  const lines = listed.split('\n').filter((line) => line.trim() !== '');
  const byKey = new Map(lines.map((line) => line.split(' ') as [string, string]));
  const found: string[] = [];
  for (const name of names) {
    const network = byKey.get(name) ?? (await externalNetwork(docker, name));
    if (network === undefined) throw networkMissing(name, project, engine, byKey.size > 0);
    found.push(network);
  }
  return found;
}

/** The engine's name of a network that does not belong to the project. */
async function externalNetwork(docker: Docker, name: string): Promise<string | undefined> {
  // Every engine has a network of that name, and it gives containers no names.
  if (name === 'default') return undefined;
  const outcome = await docker.call(['network', 'inspect', '--format', '{{.Name}}', name]);
  return outcome.exitCode === 0 ? outcome.stdout.trim() : undefined;
}

function networkMissing(name: string, project: string, engine: Engine, hasOthers: boolean): UserFacingError {
  const top = name === 'default' ? '`networks: {default: {}}`' : `\`${name}\` under \`networks:\``;
  const elsewhere = hasOthers
    ? []
    : ['If Compose was called with -H or --context, set DOCKER_HOST or DOCKER_CONTEXT instead.'];
  return new UserFacingError({
    id: 'compose/network/missing',
    found: `the engine at ${engine.endpoint} has no network \`${name}\` of the project ${project}`,
    expected: 'Compose makes a network before the provider runs only when the service lists it.',
    next: [
      `Write \`networks: [${name}]\` under the service beside \`provider:\`, and ${top} at the top level.`,
      ...elsewhere,
    ],
  });
}
