import type { CallEnding } from '../../contract/wire/call-ending.ts';
import type { Delivery } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { Envelope } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';

export const publishEndings = ['accepted', 'duplicate', 'refused', 'unknown'] as const;
export type PublishEnding = (typeof publishEndings)[number];

/** Metadata of an outgoing message. */
export interface SentMessage {
  readonly topic: string;
  readonly traceparent: string;
  /** Empty when the message was refused before it got one. */
  readonly messageId: string;
}

/** Receives events of messages and of the plugin, where they happen. It only counts and logs, and never fails. */
export interface SidecarTelemetry {
  published(message: SentMessage, outcome: PublishEnding, elapsedMs: number): void;
  called(message: SentMessage, outcome: CallEnding, elapsedMs: number): void;
  /** Written to the plugin's stream. */
  delivered(subscription: string, delivery: Pick<Delivery, 'envelope' | 'maybeRedelivered'>): void;
  /** A request of another plugin was written to this plugin's stream. */
  requested(envelope: Envelope | undefined): void;
  /** The bus has stored this many acknowledgements. */
  acknowledged(subscription: string, count: number): void;
  /** Lost for good: a v1 stream was read too slowly, or a subscription was over its backlog quota. */
  lost(subscription: string, count: number): void;
  healthCheckMissed(): void;
  heartbeat(): void;
  /** The plugin port refused a connection or a call, or ended one, because of a limit. */
  refused(): void;
  /** The session was reopened after a loss. */
  reconnected(): void;
  /** The plugin was drained; so many publishes are still unanswered. */
  drained(drain: { readonly elapsedMs: number; readonly publishesLeft: number }): void;
}
