import type { Envelope } from '../contract/wire/gen/meridian/v1/envelope_pb.ts';

/** One message as a plugin receives it. */
export interface Message {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly payloadType: string;
  readonly messageId: string;
  /** The instance that published it. */
  readonly sourceId: string;
  readonly correlationId: string;
  readonly causationId: string;
  readonly schemaVersion: string;
  /** Nanoseconds since the Unix epoch. */
  readonly tsEventNs: bigint;
  readonly tsInitNs: bigint;
  readonly traceparent: string;
  readonly tracestate: string;
}

/** A message of an acknowledged subscription. */
export interface DeliveredMessage extends Message {
  /** The subscription's name and the message's position, which `saveState` acknowledges. */
  readonly subscription: string;
  readonly position: bigint;
  /** The plugin may have handled it before: it was unacknowledged when an earlier stream ended. */
  readonly maybeRedelivered: boolean;
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
    schemaVersion: meta?.schemaVersion ?? '',
    tsEventNs: meta?.tsEventNs ?? 0n,
    tsInitNs: meta?.tsInitNs ?? 0n,
    traceparent: meta?.traceparent ?? '',
    tracestate: meta?.tracestate ?? '',
  };
}
