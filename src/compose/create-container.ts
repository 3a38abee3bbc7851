import { sleep } from '../base/scheduler.ts';
import { UserFacingError } from '../base/user-facing-error.ts';
import { labels, listContainers, removeContainer } from './container.ts';
import { type ContainerSpec, createArguments } from './container-spec.ts';
import { dockerRefused } from './docker.ts';
import type { Provider } from './provider.ts';

/** Long enough for the engine to finish a creation whose caller was killed. */
const settleMs = 500;

/** Creates the container on all its networks, without starting it. @returns its id. */
export async function createContainer(
  { docker, scheduler, log }: Pick<Provider, 'docker' | 'scheduler' | 'log'>,
  spec: ContainerSpec,
): Promise<string> {
  const args = createArguments(spec);
  let outcome = await docker.call(args);
  if (isNameTaken(outcome.stderr) && outcome.exitCode !== 0) {
    await sleep(scheduler, settleMs);
    const ours = await listContainers(docker, [labels.role]);
    const inTheWay = ours.find(({ name }) => name === spec.name);
    if (inTheWay === undefined) throw nameTaken(spec.name);
    log.info('removing what a killed call left', { container: spec.name });
    await removeContainer(docker, inTheWay.id);
    outcome = await docker.call(args);
  }
  if (outcome.exitCode !== 0) throw dockerRefused(args, outcome);
  const id = outcome.stdout.trim();
  for (const { network, aliases } of spec.furtherNetworks) {
    await docker.run(['network', 'connect', ...aliases.flatMap((alias) => ['--alias', alias]), network, id]);
  }
  return id;
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
