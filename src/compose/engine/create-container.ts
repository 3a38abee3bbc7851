import { sleep } from '../../base/time/scheduler.ts';
import { UserFacingError } from '../../base/user-facing-error.ts';
import type { Provider } from '../provider.ts';
import { findContainer, removeContainer, roleOf } from './container.ts';
import { type ContainerSpec, createArguments } from './container-spec.ts';
import { type DockerOutcome, dockerRefused } from './docker.ts';

/**
 * After its caller was killed, an engine may still finish a creation; until then the name has no container. This is far longer
 * than that takes.
 */
const settleMs = 10_000;
const lookEveryMs = 100;

type Maker = Pick<Provider, 'docker' | 'scheduler' | 'log'>;

/**
 * Creates the container on all its networks, without starting it. Replaces a container of the provider that a killed call left.
 * @returns its id.
 * @throws UserFacingError `compose/container/name-taken`.
 */
export async function createContainer(maker: Maker, spec: ContainerSpec): Promise<string> {
  const { docker } = maker;
  const { stdout } = await createInPlace(maker, spec);
  const id = stdout.trim();
  for (const { network, aliases } of spec.furtherNetworks) {
    await docker.run(['network', 'connect', ...aliases.flatMap((alias) => ['--alias', alias]), network, id]);
  }
  return id;
}

async function createInPlace({ docker, scheduler, log }: Maker, spec: ContainerSpec): Promise<DockerOutcome> {
  const args = createArguments(spec);
  const startedMs = scheduler.nowMs();
  for (;;) {
    const outcome = await docker.call(args);
    if (outcome.exitCode === 0) return outcome;
    if (!isNameTaken(outcome.stderr)) throw dockerRefused(args, outcome);
    const inTheWay = await findContainer(docker, spec.name);
    const isStrange = inTheWay !== undefined && roleOf(inTheWay) === undefined;
    if (isStrange || scheduler.nowMs() - startedMs >= settleMs) throw nameTaken(spec.name);
    if (inTheWay === undefined) {
      await sleep(scheduler, lookEveryMs);
      continue;
    }
    log.info('removing what a killed call left', { container: spec.name });
    await removeContainer(docker, inTheWay.id);
  }
}

function isNameTaken(stderr: string): boolean {
  return /name .* is already in use/i.test(stderr);
}

function nameTaken(name: string): UserFacingError {
  return new UserFacingError({
    id: 'compose/container/name-taken',
    found: `a container named ${name} is there already, and it is not the provider's`,
    expected: 'The plugin joins the network of a container of that name, so no other may have it.',
    next: [`Remove it with \`docker rm -f ${name}\`, or rename the service.`],
  });
}
