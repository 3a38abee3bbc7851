import type { CallEnding } from '../../contract/wire/call-ending.ts';
import type { Delivery } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { Envelope } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';

export type PublishEnding = 'accepted' | 'duplicate' | 'refused' | 'unknown';

/** What is known of a message that leaves the plugin. */
export interface SentMessage {
  readonly topic: string;
  readonly traceparent: string;
  /** Empty when it was refused before it got one. */
  readonly messageId: string;
}

/** Hears what happens to messages and to the plugin, where it happens. It only counts and notes, and never fails. */
export interface Recorder {
  published(message: SentMessage, outcome: PublishEnding, elapsedMs: number): void;
  called(message: SentMessage, outcome: CallEnding, elapsedMs: number): void;
  /** Handed to the plugin's stream. */
  delivered(subscription: string, delivery: Pick<Delivery, 'envelope' | 'maybeRedelivered'>): void;
  /** A request of another plugin was handed to this one. */
  requested(envelope: Envelope | undefined): void;
  /** The bus has stored that the plugin is done with this many. */
  acknowledged(subscription: string, count: number): void;
  /** Lost for good: a v1 stream was read too slowly, or a subscription was over its backlog quota. */
  lost(subscription: string, count: number): void;
  healthCheckMissed(): void;
  heartbeat(): void;
  /** The session with the bus stands again after a loss. */
  reconnected(): void;
  /** The plugin was drained, this long, with so many publishes still unanswered. */
  drained(drain: { readonly elapsedMs: number; readonly publishesLeft: number }): void;
}
