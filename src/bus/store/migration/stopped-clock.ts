import type { Scheduler } from '../../../base/time/scheduler.ts';

/**
 * One moment for all of a move, in whole milliseconds since the Unix epoch on both of its clocks. So times need no conversion, and are the
 * same read from one store and from the other.
 */
export function stoppedClock(clock: Scheduler): Scheduler {
  const nowMs = Number(clock.wallTimeNs() / 1_000_000n);
  return { ...clock, nowMs: () => nowMs, wallTimeNs: () => BigInt(nowMs) * 1_000_000n };
}
