import { type AuditRecord, type AuditSink, auditLine } from '../../audit/audit-line.ts';
import type { CallEnding } from '../../contract/wire/call-ending.ts';
import type { Delivery } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { Envelope } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import { type MetricsOptions, SidecarMetrics } from './sidecar-metrics.ts';
import type { PublishEnding, SentMessage } from './sidecar-telemetry.ts';

export interface AuditOptions extends MetricsOptions {
  readonly instanceId: string;
  readonly audit: AuditSink;
}

/** Counts, and writes an audit line when a message or call enters the sidecar and when it leaves. */
export class AuditedMetrics extends SidecarMetrics {
  readonly #options: AuditOptions;

  constructor(options: AuditOptions) {
    super(options);
    this.#options = options;
    const { audit } = options;
    this.registry.countedElsewhere(
      'audit_lines_lost_total',
      'Lines that the audit log could not take',
      () => audit.linesLost,
    );
  }

  override published(message: SentMessage, outcome: PublishEnding, elapsedMs: number): void {
    super.published(message, outcome, elapsedMs);
    this.#sent('message', message, outcome);
  }

  override called(message: SentMessage, outcome: CallEnding, elapsedMs: number): void {
    super.called(message, outcome, elapsedMs);
    this.#sent('call', message, outcome);
  }

  override delivered(subscription: string, delivery: Pick<Delivery, 'envelope' | 'maybeRedelivered'>): void {
    super.delivered(subscription, delivery);
    this.#received('message', delivery.envelope, delivery.maybeRedelivered ? 'redelivered' : 'delivered');
  }

  override requested(envelope: Envelope | undefined): void {
    super.requested(envelope);
    this.#received('call', envelope, 'delivered');
  }

  #sent(kind: AuditRecord['kind'], message: SentMessage, outcome: string): void {
    this.#write({ point: 'publish', kind, ...message, publisher: this.#options.instanceId, receiver: '', outcome });
  }

  #received(kind: AuditRecord['kind'], envelope: Envelope | undefined, outcome: string): void {
    const { traceparent = '', messageId = '', topic = '', publisherInstanceId: publisher = '' } = envelope?.meta ?? {};
    const receiver = this.#options.instanceId;
    this.#write({ point: 'deliver', kind, traceparent, messageId, topic, publisher, receiver, outcome });
  }

  #write(record: AuditRecord): void {
    this.#options.audit.write(auditLine(record, this.#options.scheduler.wallTimeNs()));
  }
}
