import { messageOf } from '../user-facing-error.ts';
import { every, type Scheduler, type Timer } from './scheduler.ts';

/** Polling the content works on every kind of mount, unlike file events. */
const lookEveryMs = 1_000;

export interface WatchedContent<T> {
  readonly scheduler: Scheduler;
  /** The content in use when the watch begins. */
  readonly initial: T;
  /** @throws if the content is not valid. The last good content then stays in use. */
  readonly read: () => Promise<T>;
  /** @throws if the new content cannot be used. The last good content then stays in use. */
  readonly use: (changed: T) => void;
  /** Called once for consecutive failures with the same reason. */
  readonly onUnusable: (reason: string) => void;
  /** Called after each look, with the last good content. */
  readonly onLook?: (lastGood: T) => void;
}

/** Reads the content every second until the timer is cancelled. Uses it if its JSON differs from the content in use. */
export function watchChanges<T>({ scheduler, initial, read, use, onUnusable, onLook }: WatchedContent<T>): Timer {
  let used = initial;
  let usedText = JSON.stringify(initial);
  let lastReason = '';
  const look = async (): Promise<void> => {
    try {
      const found = await read();
      const text = JSON.stringify(found);
      if (text !== usedText) use(found);
      used = found;
      usedText = text;
      lastReason = '';
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== lastReason) onUnusable(reason);
      lastReason = reason;
    }
    onLook?.(used);
  };
  return every(scheduler, lookEveryMs, () => void look());
}
