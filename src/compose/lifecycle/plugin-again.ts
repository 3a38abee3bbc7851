import { sleep } from '../../base/time/scheduler.ts';
import { type Container, findContainer } from '../engine/container.ts';
import { type Provider, report } from '../provider.ts';

/** A plugin that its sidecar has told to stop has left it by the time that the sidecar ends, and ends itself soon after that. */
const endsWithinMs = 3_000;
const lookEveryMs = 200;

/**
 * Starts a plugin again that ended because its sidecar was replaced: the drain of the old one told it to stop. Compose 5.7 and later has
 * planned before `up` what it starts, and leaves such a plugin down. A plugin that goes on is left alone.
 */
export async function startPluginsAgain(provider: Provider, wereRunning: readonly Container[]): Promise<void> {
  const { docker, scheduler } = provider;
  const endMs = scheduler.nowMs() + endsWithinMs;
  const waiting = new Set(wereRunning.map(({ name }) => name));
  while (waiting.size > 0) {
    for (const name of waiting) {
      const found = await findContainer(docker, name);
      if (found?.state === 'running') continue;
      waiting.delete(name);
      // The engine restarts it by itself, or somebody removed it.
      if (found?.state !== 'exited') continue;
      report(provider, `starting ${name} again, which ended with the replaced sidecar`);
      await docker.run(['start', found.id]);
    }
    if (waiting.size === 0 || scheduler.nowMs() >= endMs) return;
    await sleep(scheduler, lookEveryMs);
  }
}
