import type { BackoffOptions } from '../../base/backoff.ts';
import { type SettingReader, settingFault } from './setting-reader.ts';
import { byteCount, count, duration, percent } from './setting-value.ts';

/** The numbers that bound what the sidecar does. All have defaults, and all are settings. */
export interface SidecarTuning {
  /** How long step 1 tries to reach the bus. */
  readonly connectTimeoutMs: number;
  /** How long step 3 waits for a decision on the grants; undefined: for ever. */
  readonly grantTimeoutMs: number | undefined;
  readonly renewEveryMs: number;
  readonly healthCheckEveryMs: number;
  readonly healthCheckTimeoutMs: number;
  /** Health checks missed in a row that make the plugin faulted. */
  readonly faultThreshold: number;
  readonly shutdown: {
    readonly totalMs: number;
    readonly drainMs: number;
    readonly flushMs: number;
    readonly deregisterMs: number;
    readonly closeMs: number;
  };
  readonly outbox: { readonly messages: number; readonly bytes: number; readonly ageMs: number };
  readonly credits: { readonly messages: number; readonly bytes: number };
  /** Distinct topics that get series of their own in the metrics. */
  readonly metrics: { readonly topics: number };
  /** What may wait in the sidecar for one slow v1 stream; what does not fit is dropped and told. */
  readonly v1BufferBytes: number;
  readonly memory: {
    /** Bytes of messages that the sidecar may hold, half of them in each direction; undefined: by its memory limit. */
    readonly heldBytes: number | undefined;
    /** Percent of the memory limit from which on load is shed. */
    readonly shedAtPercent: number;
    /** Percent below which it is taken again. */
    readonly resumeAtPercent: number;
  };
  readonly callTimeoutMs: number;
  readonly maxCallTimeoutMs: number;
  readonly maxClockSkewMs: number;
  readonly reconnect: BackoffOptions;
}

const mebibyte = 1024 * 1024;

/** The dotted keys of the configuration file that `readTuning` looks up. */
export const tuningKeys = [
  ...['timeouts.connect', 'timeouts.grant', 'timeouts.call', 'timeouts.max_call', 'timeouts.health_check'],
  ...['intervals.renew', 'intervals.health_check', 'fault_threshold'],
  ...['shutdown.total', 'shutdown.drain', 'shutdown.flush', 'shutdown.deregister', 'shutdown.close'],
  ...['outbox.messages', 'outbox.bytes', 'outbox.age', 'credits.messages', 'credits.bytes', 'v1_buffer'],
  ...['max_clock_skew', 'reconnect.first', 'reconnect.max', 'metrics.topics'],
  ...['memory.held', 'memory.shed_at', 'memory.resume_at'],
] as const;
type TuningKey = (typeof tuningKeys)[number];

/** Reads every number; faults go to the reader's list. */
export function readTuning(reader: SettingReader, onCloudFoundry: boolean): SidecarTuning {
  const ms = (key: TuningKey, fallbackMs: number): number => reader.read({ key }, duration, fallbackMs);
  const number = (key: TuningKey, fallback: number): number => reader.read({ key }, count, fallback);
  const bytes = (key: TuningKey, fallback: number): number => reader.read({ key }, byteCount, fallback);
  const connect = { variable: 'SIDECAR_CONNECT_TIMEOUT', key: 'timeouts.connect' } as const;
  const grant = { variable: 'SIDECAR_GRANT_TIMEOUT', key: 'timeouts.grant' } as const;
  const tuning: SidecarTuning = {
    connectTimeoutMs: reader.read(connect, duration, 30_000),
    // Cloud Foundry gives an app 60 s to start by default; the sidecar must have said why before that ends.
    grantTimeoutMs: reader.read(grant, duration, onCloudFoundry ? 50_000 : undefined),
    renewEveryMs: ms('intervals.renew', 3_000),
    healthCheckEveryMs: ms('intervals.health_check', 10_000),
    healthCheckTimeoutMs: ms('timeouts.health_check', 5_000),
    faultThreshold: number('fault_threshold', 3),
    shutdown: {
      totalMs: ms('shutdown.total', 8_000),
      drainMs: ms('shutdown.drain', 6_000),
      flushMs: ms('shutdown.flush', 1_000),
      deregisterMs: ms('shutdown.deregister', 500),
      closeMs: ms('shutdown.close', 500),
    },
    outbox: {
      messages: number('outbox.messages', 1_024),
      bytes: bytes('outbox.bytes', 8 * mebibyte),
      ageMs: ms('outbox.age', 30_000),
    },
    credits: { messages: number('credits.messages', 256), bytes: bytes('credits.bytes', 4 * mebibyte) },
    metrics: { topics: number('metrics.topics', 100) },
    v1BufferBytes: bytes('v1_buffer', 4 * mebibyte),
    memory: {
      heldBytes: reader.read({ key: 'memory.held' }, byteCount, undefined),
      shedAtPercent: reader.read({ key: 'memory.shed_at' }, percent, 85),
      resumeAtPercent: reader.read({ key: 'memory.resume_at' }, percent, 75),
    },
    callTimeoutMs: ms('timeouts.call', 5_000),
    maxCallTimeoutMs: ms('timeouts.max_call', 60_000),
    maxClockSkewMs: ms('max_clock_skew', 5_000),
    reconnect: { firstDelayMs: ms('reconnect.first', 100), maxDelayMs: ms('reconnect.max', 5_000) },
  };
  checkShutdownBudget(reader, tuning.shutdown);
  checkOrder(reader, ['timeouts.call', tuning.callTimeoutMs], ['timeouts.max_call', tuning.maxCallTimeoutMs]);
  checkOrder(
    reader,
    ['reconnect.first', tuning.reconnect.firstDelayMs],
    ['reconnect.max', tuning.reconnect.maxDelayMs],
  );
  return tuning;
}

function checkShutdownBudget(reader: SettingReader, shutdown: SidecarTuning['shutdown']): void {
  const sumMs = shutdown.drainMs + shutdown.flushMs + shutdown.deregisterMs + shutdown.closeMs;
  if (sumMs <= shutdown.totalMs) return;
  reader.faults.push(
    settingFault({
      subject: 'shutdown',
      fault: 'over-budget',
      found: `The parts of \`shutdown\` take ${sumMs} ms and \`shutdown.total\` is ${shutdown.totalMs} ms`,
      expected: '`drain`, `flush`, `deregister` and `close` together must fit into `total`.',
      next: 'Shorten a part, or raise `shutdown.total`; platforms kill 10 s after the signal.',
    }),
  );
}

function checkOrder(
  reader: SettingReader,
  [low, lowMs]: [TuningKey, number],
  [high, highMs]: [TuningKey, number],
): void {
  if (lowMs <= highMs) return;
  reader.faults.push(
    settingFault({
      subject: low.replaceAll(/[._]/g, '-'),
      fault: 'above-its-maximum',
      found: `\`${low}\` is ${lowMs} ms and \`${high}\` is ${highMs} ms`,
      expected: `\`${low}\` must be at most \`${high}\`.`,
      next: `Lower \`${low}\` or raise \`${high}\`.`,
    }),
  );
}
