import type { Log } from '../base/log/log.ts';
import { logger, members, nanoseconds, text, whole } from './arguments.ts';
import type { DeliveredMessage } from './message.ts';

// The options of each call and their checks: TypeScript does not check callers that are JavaScript.

const int32Max = 2 ** 31 - 1;
const uint32Max = 2 ** 32 - 1;

export interface PublishOptions {
  readonly payloadType?: string;
  readonly correlationId?: string;
  readonly causationId?: string;
  /** Nanoseconds since the Unix epoch at which the event happened; the sidecar's clock when absent. */
  readonly tsEventNs?: bigint;
  /** A second publish with the same key on the same topic is not stored again. */
  readonly dedupKey?: string;
  readonly schemaVersion?: string;
  readonly traceparent?: string;
  readonly tracestate?: string;
}

export const publishOptionKinds = {
  payloadType: text,
  correlationId: text,
  causationId: text,
  tsEventNs: nanoseconds,
  dedupKey: text,
  schemaVersion: text,
  traceparent: text,
  tracestate: text,
} satisfies Record<keyof PublishOptions, unknown>;

export interface RequestOptions {
  readonly timeoutMs?: number;
  readonly payloadType?: string;
  readonly correlationId?: string;
  readonly traceparent?: string;
  readonly tracestate?: string;
}

export const requestOptionKinds = {
  timeoutMs: whole(0, int32Max),
  payloadType: text,
  correlationId: text,
  traceparent: text,
  tracestate: text,
} satisfies Record<keyof RequestOptions, unknown>;

export interface SubscribeOptions {
  /** The cursor is kept between runs under this name. */
  readonly name: string;
  /** Where to start without a cursor: the first `published_at_ns` to deliver. Absent: with new messages only. */
  readonly startTimeNs?: bigint;
  /** How long the cursor is kept without a subscriber; the bus's default when absent. */
  readonly idleExpiryS?: number;
  /** After so many attempts a message goes to this topic. Without it, the message is redelivered until it is handled. */
  readonly deadLetters?: { readonly afterAttempts: number; readonly topic: string };
  /** How many messages, and how many of their bytes, may be in flight. After a crash each of them counts as an attempt. */
  readonly window?: { readonly messages: number; readonly bytes: number };
}

export const subscribeOptionKinds = {
  name: text,
  startTimeNs: nanoseconds,
  idleExpiryS: whole(0, uint32Max),
  deadLetters: members({ afterAttempts: whole(0, uint32Max), topic: text }),
  window: members({ messages: whole(1, uint32Max), bytes: whole(1, uint32Max) }),
} satisfies Record<keyof SubscribeOptions, unknown>;

export interface SaveStateOptions {
  /** Messages whose effects the state contains. */
  readonly acknowledge?: readonly DeliveredMessage[];
}

export const saveStateOptionKinds = {
  acknowledge: {
    expected: 'an array of messages, as the handler of a subscription is given them',
    holds: (value: unknown) =>
      Array.isArray(value) &&
      value.every((message) => text.holds(message?.subscription) && nanoseconds.holds(message?.position)),
  },
} satisfies Record<keyof SaveStateOptions, unknown>;

export interface ConnectOptions {
  /** `host:port`; SIDECAR_ADDR, or 127.0.0.1:9191, when absent. */
  readonly address?: string;
  readonly schemaVersion?: string;
  /** How long to wait for the sidecar; 60 s when absent. */
  readonly waitTimeoutMs?: number;
  readonly log?: Log;
}

export const connectOptionKinds = {
  address: text,
  schemaVersion: text,
  waitTimeoutMs: whole(0, int32Max),
  log: logger,
} satisfies Record<keyof ConnectOptions, unknown>;
