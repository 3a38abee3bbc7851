import { openAuditLog } from '../../audit/audit-log.ts';
import type { Log } from '../../base/log/log.ts';
import { processUsageReader } from '../../base/metrics/process-usage.ts';
import { realScheduler } from '../../base/time/real-scheduler.ts';
import { messageOf, UserFacingError } from '../../base/user-facing-error.ts';
import { listenAddress } from '../../contract/config/addresses.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { refusal } from '../../transport/http/http-reply.ts';
import { serveHttp } from '../../transport/http/http-server.ts';
import { BusMetrics } from '../metrics/bus-metrics.ts';
import type { BusStore } from './bus-store.ts';

export interface BusObservabilitySettings {
  /** `host:port` where /metrics is served; absent: it is not. */
  readonly metrics?: string;
  /** The file of the audit log, or `-` for stdout; absent: there is none. */
  readonly audit?: string;
}

export interface BusObservability {
  /** Absent without metrics and audit log. */
  readonly telemetry?: BusMetrics;
  close(): Promise<void>;
}

/** Opens the metrics and the audit log. @throws UserFacingError when a setting cannot be used. */
export async function openObservability(
  { metrics: address, audit: place }: BusObservabilitySettings,
  log: Log,
  { disk }: BusStore,
): Promise<BusObservability> {
  // By default SIGHUP ends a process, and operators who rotate files send it to every process.
  process.on('SIGHUP', () => {});
  if (address === undefined && place === undefined) return { async close() {} };
  const audit =
    place === undefined
      ? undefined
      : await openAuditLog({
          place,
          setting: '--audit',
          writer: 'bus',
          scheduler: realScheduler,
          log,
          stdout: process.stdout,
        });
  if (audit) process.on('SIGHUP', audit.reopen.bind(audit));
  const telemetry = new BusMetrics({
    processUsage: processUsageReader(),
    scheduler: realScheduler,
    ...(audit && { audit }),
    ...(disk && { store: disk }),
  });
  const server = address === undefined ? undefined : await serveMetrics(address, telemetry, log);
  return {
    telemetry,
    async close() {
      await server?.close();
      await audit?.close();
    },
  };
}

async function serveMetrics(setting: string, { registry }: BusMetrics, log: Log): Promise<{ close(): Promise<void> }> {
  const address = listenAddress(undefined)(setting);
  if (!address.ok) throw cannotServe(setting, `it must be ${address.expected}`);
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
    throw cannotServe(setting, messageOf(error));
  }
}

function cannotServe(address: string, reason: string): UserFacingError {
  return new UserFacingError({
    id: 'bus/metrics/address',
    found: `metrics cannot be served on ${address}: ${reason}`,
    next: ['Stop the other program that listens there, or name another address with --metrics.'],
    exitCode: exitCodes.busUnreachable,
  });
}
