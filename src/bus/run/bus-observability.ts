import { stat } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { type Log, type LogLevel, logLevels } from '../../base/log/log.ts';
import { writeFailure } from '../../base/log/log-error.ts';
import { createStreamLog, LineStream } from '../../base/output/line-stream.ts';
import { realScheduler } from '../../base/time/real-scheduler.ts';
import { messageOf, UserFacingError } from '../../base/user-facing-error.ts';
import { listenAddress } from '../../contract/config/addresses.ts';
import { openAuditLog } from '../../contract/config/audit-log.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { refusal } from '../../transport/http/http-reply.ts';
import { serveHttp } from '../../transport/http/http-server.ts';
import { BusMetrics } from '../metrics/bus-metrics.ts';

const stderr = new LineStream(process.stderr);

export interface BusObservabilityFlags {
  readonly logLevel: LogLevel;
  readonly logFormat: 'text' | 'json';
  readonly metrics?: string;
  readonly audit?: string;
}

export function addBusObservability(command: Command): Command {
  return command
    .addOption(new Option('--log-level <level>', 'least important lines to print').choices(logLevels).default('info'))
    .addOption(new Option('--log-format <format>', 'how lines are printed').choices(['text', 'json']).default('text'))
    .option('--metrics <host:port>', 'where to serve /metrics for Prometheus; absent, nowhere')
    .option('--audit <file|->', 'where every message gets a JSON line; - for stdout, absent, nowhere');
}

export function busLog({ logLevel: level, logFormat: format }: BusObservabilityFlags): Log {
  return createStreamLog(process.stdout, { level, format, wallTimeNs: () => realScheduler.wallTimeNs() });
}

/** Writes the reason why the bus ends to stderr. */
export function printFailure(error: unknown, { logFormat: format }: Pick<BusObservabilityFlags, 'logFormat'>): void {
  writeFailure(error, { format, write: (line) => stderr.write(line), wallTimeNs: () => realScheduler.wallTimeNs() });
}

/** Starts the metrics and audit log that flags ask for. @throws UserFacingError when a flag cannot be used. */
export async function watchBus(
  flags: BusObservabilityFlags,
  {
    log,
    storeFile,
    isDiskFull,
  }: { readonly log: Log; readonly storeFile: string | undefined; readonly isDiskFull: () => boolean },
): Promise<{ readonly telemetry?: BusMetrics; close(): Promise<void> }> {
  // By default SIGHUP ends a process, and operators who rotate files send it to every process.
  process.on('SIGHUP', () => {});
  if (flags.metrics === undefined && flags.audit === undefined) return { async close() {} };
  const { audit: place } = flags;
  const audit =
    place === undefined ? undefined : await openAuditLog({ place, setting: '--audit', log, stdout: process.stdout });
  if (audit) process.on('SIGHUP', audit.reopen.bind(audit));
  const telemetry = new BusMetrics({
    scheduler: realScheduler,
    ...(audit && { audit }),
    ...(storeFile !== undefined && { store: { bytes: () => sizeOnDisk(storeFile), isDiskFull } }),
  });
  const server = flags.metrics === undefined ? undefined : await serveMetrics(flags.metrics, telemetry, log);
  return {
    telemetry,
    async close() {
      await server?.close();
      await audit?.close();
    },
  };
}

async function serveMetrics(flag: string, { registry }: BusMetrics, log: Log): Promise<{ close(): Promise<void> }> {
  const address = listenAddress(undefined)(flag);
  if (!address.ok) throw cannotServe(flag, `it must be ${address.expected}`);
  try {
    const server = await serveHttp({
      ...address.value,
      scheduler: realScheduler,
      reply: async (path) =>
        path === '/metrics'
          ? { status: 200, body: await registry.text(), contentType: registry.contentType }
          : refusal(404, 'nothing here; there is /metrics'),
    });
    log.info('metrics are served', { port: server.port });
    return server;
  } catch (error) {
    throw cannotServe(flag, messageOf(error));
  }
}

function cannotServe(address: string, reason: string): UserFacingError {
  return new UserFacingError({
    id: 'bus/metrics/address',
    found: `metrics cannot be served on ${address}: ${reason}`,
    next: ['Stop whatever else listens there, or name another address with --metrics.'],
    exitCode: exitCodes.busUnreachable,
  });
}

/** The size of the file and of the files that SQLite writes beside it. */
async function sizeOnDisk(file: string): Promise<number> {
  const sizes = await Promise.all(
    ['', '-wal'].map((suffix) =>
      stat(`${file}${suffix}`).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
