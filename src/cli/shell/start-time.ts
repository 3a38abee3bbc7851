import { InvalidArgumentError } from 'commander';
import { parseDurationMs } from '../../base/time/duration.ts';
import { realScheduler } from '../../base/time/real-scheduler.ts';

/** With a zone, so that it means the same on every machine: https://www.rfc-editor.org/rfc/rfc3339#section-5.6 */
const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/;

/** Reads a time in the past, or how long ago it was, as nanoseconds since the Unix epoch. @throws InvalidArgumentError */
export function startTimeNs(text: string): bigint {
  const nowNs = realScheduler.wallTimeNs();
  const agoMs = parseDurationMs(text);
  const timeMs = timestamp.test(text) ? Date.parse(text) : Number.NaN;
  if (agoMs === undefined && Number.isNaN(timeMs)) {
    throw new InvalidArgumentError(
      'It must be a duration such as 10m, or a time with its zone such as 2026-01-31T12:00:00Z.',
    );
  }
  const fromNs = agoMs === undefined ? BigInt(timeMs) * 1_000_000n : nowNs - BigInt(agoMs) * 1_000_000n;
  if (fromNs > nowNs) throw new InvalidArgumentError('It must not be in the future.');
  return fromNs > 0n ? fromNs : 0n;
}
