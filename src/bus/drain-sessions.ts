import { randomBelow } from '../base/random.ts';
import { type Scheduler, sleep } from '../base/time/scheduler.ts';
import { RpcError } from '../transport/status.ts';
import type { Registration } from './ownership/registration.ts';

/** Each sidecar that is sent away costs another process of the bus a registration, and what its subscriptions read. */
const drainPerSessionMs = 10;
const drainMsMax = 2_000;

/** Why a bus that stops takes nobody in. */
export const stopping = new RpcError('UNAVAILABLE', 'this process of the bus is stopping');

/** Ends the sessions one after the other, in a random order, so that their sidecars do not all go elsewhere at one moment. */
export async function drainSessions(
  registrations: readonly Registration[],
  scheduler: Scheduler,
  spreadMsMax = drainMsMax,
): Promise<void> {
  const left = registrations.filter(({ session }) => session !== undefined);
  const everyMs = Math.min(drainPerSessionMs, spreadMsMax / left.length);
  while (left.length > 0) {
    const [one] = left.splice(randomBelow(scheduler.random, left.length), 1);
    one?.session?.end(stopping);
    if (left.length > 0) await sleep(scheduler, everyMs);
  }
}
