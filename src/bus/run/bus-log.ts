import type { Log, LogLevel } from '../../base/log/log.ts';
import { writeFailure } from '../../base/log/log-error.ts';
import { createStreamLog, LineStream } from '../../base/output/line-stream.ts';
import { realScheduler } from '../../base/time/real-scheduler.ts';

const stderr = new LineStream(process.stderr);

export interface BusLogSettings {
  readonly logLevel: LogLevel;
  readonly logFormat: 'text' | 'json';
}

/** The log of the bus, on stdout. */
export function openBusLog({ logLevel: level, logFormat: format }: BusLogSettings): Log {
  return createStreamLog(process.stdout, { level, format, wallTimeNs: () => realScheduler.wallTimeNs() });
}

/** Writes the reason why the bus ends to stderr. */
export function printFailure(error: unknown, { logFormat: format }: Pick<BusLogSettings, 'logFormat'>): void {
  writeFailure(error, { format, write: (line) => stderr.write(line), wallTimeNs: () => realScheduler.wallTimeNs() });
}
