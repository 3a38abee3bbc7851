import type { StoredMessage, SubscriptionProgress } from '../store/store.ts';
import type { GroupWork } from './group-work.ts';

/** Messages that are read together. */
const batchMessages = 64;

interface Messages {
  readonly messageAt: (position: bigint) => Promise<StoredMessage | undefined>;
  readonly keyOf: (message: StoredMessage) => string;
}

/** Puts what a group had not finished into its work. Returns the positions that wait and whose messages are no longer retained. */
export async function takeOver(
  work: GroupWork,
  { pending, inFlight = new Map() }: SubscriptionProgress,
  { messageAt, keyOf }: Messages,
): Promise<readonly bigint[]> {
  const positions = [...pending.keys(), ...inFlight.keys()];
  const dropped: bigint[] = [];
  for (let next = 0; next < positions.length; next += batchMessages) {
    const some = positions.slice(next, next + batchMessages);
    const messages = await Promise.all(some.map(messageAt));
    for (const [index, position] of some.entries()) {
      const message = messages[index];
      const key = message ? keyOf(message) : `dropped ${position}`;
      const delivery = inFlight.get(position);
      if (delivery) work.restore(key, position, delivery);
      else if (message) work.wait({ position, key, attempts: pending.get(position) ?? 0, isRepeat: true });
      else dropped.push(position);
    }
  }
  return dropped;
}
