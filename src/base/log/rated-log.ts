import type { Scheduler, Timer } from '../time/scheduler.ts';
import type { Log, LogFields, LogLevel } from './log.ts';

const periodMs = 60_000;
/** Enough for events that people and platforms cause. */
const defaultLines = 20;
/** Pairs of message and peer that are counted separately. The rest share one count per message. */
const countedApartMax = 1_024;

export interface RatedLogOptions {
  readonly scheduler: Scheduler;
  /** Lines of one message and peer per minute. Absent: 20. */
  readonly lines?: number;
  /** The peer that caused the line. Absent: its `instance`, or the host of its `address`. */
  readonly peerOf?: (fields: LogFields) => string;
}

export interface RatedLog extends Log {
  /** Writes the counts of omitted lines and stops the timers. Later lines are not limited. */
  close(): void;
}

interface Count {
  readonly level: Exclude<LogLevel, 'debug'>;
  readonly message: string;
  readonly peer: string;
  readonly timer: Timer;
  lines: number;
  leftOut: number;
}

/**
 * A rate-limited log for lines that a peer may cause. It writes a limited number of lines per minute for each message and peer, then how
 * many were omitted. Debug lines are not limited.
 */
export function ratedLog(log: Log, { scheduler, lines = defaultLines, peerOf = peerIn }: RatedLogOptions): RatedLog {
  const counts = new Map<string, Count>();
  let isClosed = false;
  const end = (key: string): void => {
    const count = counts.get(key);
    counts.delete(key);
    count?.timer.cancel();
    if (!count || count.leftOut === 0) return;
    const more = `… and ${count.leftOut.toLocaleString('en')} more in the last minute`;
    log[count.level](`${count.message} ${more}`, count.peer === '' ? {} : { peer: count.peer });
  };
  const countOf = (level: Count['level'], message: string, fields: LogFields): Count => {
    const own = peerOf(fields);
    const peer = counts.size < countedApartMax || counts.has(keyOf(level, message, own)) ? own : 'others';
    const key = keyOf(level, message, peer);
    const known = counts.get(key);
    if (known) return known;
    const timer = scheduler.setTimer(periodMs, () => end(key));
    const count: Count = { level, message, peer, timer, lines: 0, leftOut: 0 };
    counts.set(key, count);
    return count;
  };
  const at =
    (level: Count['level']) =>
    (message: string, fields: LogFields = {}): void => {
      if (isClosed) {
        log[level](message, fields);
        return;
      }
      const count = countOf(level, message, fields);
      if (count.lines >= lines) {
        count.leftOut += 1;
        return;
      }
      count.lines += 1;
      log[level](message, fields);
    };
  return {
    debug: (message, fields) => log.debug(message, fields),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    close() {
      isClosed = true;
      for (const key of [...counts.keys()]) end(key);
    },
  };
}

function keyOf(level: LogLevel, message: string, peer: string): string {
  return JSON.stringify([level, message, peer]);
}

/** The host without the port, since one peer uses many ports. */
function peerIn({ instance, address }: LogFields): string {
  return String(instance ?? String(address ?? '').replace(/:\d+$/, ''));
}
