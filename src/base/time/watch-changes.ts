import { messageOf } from '../user-facing-error.ts';
import { every, type Scheduler, type Timer } from './scheduler.ts';

/** A look at the content works on every kind of mount, unlike file events. */
const lookEveryMs = 1_000;

export interface WatchedContent<T> {
  readonly scheduler: Scheduler;
  /** What is in use when the watch begins. */
  readonly initial: T;
  /** @throws what is wrong; the last good content then stays in use. */
  readonly read: () => Promise<T>;
  /** @throws when the new content cannot be used; the last good content then stays in use. */
  readonly use: (changed: T) => void;
  /** Told once of each reason in a row. */
  readonly onUnusable: (reason: string) => void;
}

/** Reads the content every second and uses it when its JSON differs from what is in use, until the timer is cancelled. */
export function watchChanges<T>({ scheduler, initial, read, use, onUnusable }: WatchedContent<T>): Timer {
  let usedText = JSON.stringify(initial);
  let lastReason = '';
  const look = async (): Promise<void> => {
    try {
      const found = await read();
      const text = JSON.stringify(found);
      if (text !== usedText) use(found);
      usedText = text;
      lastReason = '';
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== lastReason) onUnusable(reason);
      lastReason = reason;
    }
  };
  return every(scheduler, lookEveryMs, () => void look());
}
