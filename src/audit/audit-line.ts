import { traceIdOf } from '../contract/wire/trace-context.ts';

/** One message at one of its three points. It never contains the payload. */
export interface AuditRecord {
  /** The publishing sidecar, the bus, or the receiving sidecar. */
  readonly point: 'publish' | 'route' | 'deliver';
  readonly kind: 'message' | 'call';
  readonly traceparent: string;
  /** Empty if the message was refused before it had one. */
  readonly messageId: string;
  readonly topic: string;
  readonly publisher: string;
  /** Empty if the receiver is unknown. */
  readonly receiver: string;
  readonly outcome: string;
}

/** Takes audit lines, without their line ends. It never waits and never fails. */
export interface AuditSink {
  readonly linesLost: number;
  write(line: string): void;
}

/** Longer than any valid topic or id. A plugin's invalid ones may be as long as a message. */
const longestValue = 300;

/** One JSON object: `time`, `point`, `kind`, `trace_id`, `message_id`, `topic`, `publisher`, `receiver`, `outcome`. */
export function auditLine(record: AuditRecord, wallTimeNs: bigint): string {
  const shown = (value: string | undefined): string | undefined => (value ? value.slice(0, longestValue) : undefined);
  return JSON.stringify({
    time: isoTime(wallTimeNs),
    point: record.point,
    kind: record.kind,
    trace_id: traceIdOf(record.traceparent),
    message_id: shown(record.messageId),
    topic: shown(record.topic),
    publisher: shown(record.publisher),
    receiver: shown(record.receiver),
    outcome: record.outcome,
  });
}

export function isoTime(wallTimeNs: bigint): string {
  return new Date(Number(wallTimeNs / 1_000_000n)).toISOString();
}
