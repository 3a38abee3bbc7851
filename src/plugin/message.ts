import type { Envelope } from '../contract/wire/gen/meridian/v1/envelope_pb.ts';

/** One message as a plugin receives it. */
export interface Message {
  /** The topic that it was published on. */
  readonly topic: string;
  /** The publisher's bytes, unchanged. */
  readonly payload: Uint8Array;
  /** The payload's format as its publisher named it; empty when it named none. */
  readonly payloadType: string;
  /** Unique; given by the publisher's sidecar. */
  readonly messageId: string;
  /** The instance that published it. */
  readonly sourceId: string;
  /** Names the conversation that the message belongs to; empty when its publisher named none. */
  readonly correlationId: string;
  /** The `messageId` of the message that led to this one; empty when its publisher named none. */
  readonly causationId: string;
  /** As its publisher gave it; empty when it gave none. */
  readonly partitionKey: string;
  /** The version of the payload's schema. */
  readonly schemaVersion: string;
  /** When the event happened, in nanoseconds since the Unix epoch; never after `tsInitNs`. */
  readonly tsEventNs: bigint;
  /** When the publisher's sidecar accepted it, in nanoseconds since the Unix epoch. */
  readonly tsInitNs: bigint;
  /** W3C trace context: the publisher's, or a new one when it gave none. */
  readonly traceparent: string;
  /** W3C trace context that goes with `traceparent`. */
  readonly tracestate: string;
}

/** A message of an acknowledged subscription. */
export interface DeliveredMessage extends Message {
  /** The subscription's name, which `saveState` acknowledges with the position. */
  readonly subscription: string;
  /** The message's position in the subscription. */
  readonly position: bigint;
  /** The plugin may have handled it before: it was unacknowledged when an earlier stream ended. */
  readonly maybeRedelivered: boolean;
  /** 1 for the first delivery. Redeliveries after a graceful stop count none. */
  readonly attempt: number;
}

export function messageFrom(envelope: Envelope): Message {
  const { meta, payload, payloadType } = envelope;
  return {
    topic: meta?.topic ?? '',
    payload,
    payloadType,
    messageId: meta?.messageId ?? '',
    sourceId: meta?.publisherInstanceId ?? '',
    correlationId: meta?.correlationId ?? '',
    causationId: meta?.causationId ?? '',
    partitionKey: meta?.partitionKey ?? '',
    schemaVersion: meta?.schemaVersion ?? '',
    tsEventNs: meta?.tsEventNs ?? 0n,
    tsInitNs: meta?.tsInitNs ?? 0n,
    traceparent: meta?.traceparent ?? '',
    tracestate: meta?.tracestate ?? '',
  };
}
