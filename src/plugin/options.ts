import type { Log } from '../base/log/log.ts';
import { StartAt } from '../contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { flag, logger, members, nanoseconds, text, whole } from './arguments.ts';
import type { DeliveredMessage } from './message.ts';

// The options of each call and their checks: TypeScript does not check callers that are JavaScript.

const int32Max = 2 ** 31 - 1;
const uint32Max = 2 ** 32 - 1;

/** What a published message says beside its topic and payload. */
export interface PublishOptions {
  /** The payload's format, such as `application/json`, up to 256 bytes; empty when absent. */
  readonly payloadType?: string;
  /** Names the conversation that the message belongs to, up to 1,024 bytes; empty when absent. */
  readonly correlationId?: string;
  /** The `messageId` of the message that led to this one, up to 1,024 bytes; empty when absent. */
  readonly causationId?: string;
  /** Nanoseconds since the Unix epoch at which the event happened; the sidecar's clock when absent. */
  readonly tsEventNs?: bigint;
  /**
   * For 10 minutes, a second publish of this instance with the same key on the same topic is not stored again. Up to 1,024 bytes;
   * absent: every publish is stored.
   */
  readonly dedupKey?: string;
  /**
   * A group of subscribers handles the messages of one key one after the other. Up to 1,024 bytes; absent: the topic and this instance
   * are the key.
   */
  readonly partitionKey?: string;
  /** The version of the payload's schema, up to 64 bytes; the version that the plugin connected with when absent. */
  readonly schemaVersion?: string;
  /** W3C trace context, up to 256 bytes: https://www.w3.org/TR/trace-context/. Absent: the sidecar starts a trace. */
  readonly traceparent?: string;
  /** W3C trace context that goes with `traceparent`, up to 1,024 bytes; empty when absent. */
  readonly tracestate?: string;
}

export const publishOptionKinds = {
  payloadType: text,
  correlationId: text,
  causationId: text,
  tsEventNs: nanoseconds,
  dedupKey: text,
  partitionKey: text,
  schemaVersion: text,
  traceparent: text,
  tracestate: text,
} satisfies Record<keyof PublishOptions, unknown>;

/** What a request says beside its topic and payload. */
export interface RequestOptions {
  /** How long to wait for the answer, up to 60,000; 0 or absent: 5,000. */
  readonly timeoutMs?: number;
  /** The payload's format, such as `application/json`, up to 256 bytes; empty when absent. */
  readonly payloadType?: string;
  /** Names the conversation that the request belongs to, up to 1,024 bytes; empty when absent. */
  readonly correlationId?: string;
  /** W3C trace context, up to 256 bytes: https://www.w3.org/TR/trace-context/. Absent: the sidecar starts a trace. */
  readonly traceparent?: string;
  /** W3C trace context that goes with `traceparent`, up to 1,024 bytes; empty when absent. */
  readonly tracestate?: string;
}

export const requestOptionKinds = {
  timeoutMs: whole(0, int32Max),
  payloadType: text,
  correlationId: text,
  traceparent: text,
  tracestate: text,
} satisfies Record<keyof RequestOptions, unknown>;

/** How a subscription is kept, and where it starts. */
export interface SubscribeOptions {
  /** The cursor is kept between runs under this name, of up to 128 bytes and unique within the instance. */
  readonly name: string;
  /** Where to start without a cursor: the first `published_at_ns` to deliver. Absent: with new messages only. */
  readonly startTimeNs?: bigint;
  /** How many seconds the cursor is kept without a subscriber, up to 7 days; 0 or absent: the bus's default, an hour. */
  readonly idleExpiryS?: number;
  /** After so many attempts a message goes to this topic. Absent: the message is redelivered until it is handled. */
  readonly deadLetters?: { readonly afterAttempts: number; readonly topic: string };
  /**
   * How many messages, and how many of their bytes, may be in flight; 256 messages and 4 MiB when absent. After a crash each of
   * them counts as an attempt.
   */
  readonly window?: { readonly messages: number; readonly bytes: number };
  /**
   * Shares the work with the other instances of the pool that subscribe with the same group: each message goes to one of them. The cursor
   * belongs to the group. Of up to 128 characters A-Za-z0-9_.-; absent: this instance gets its own copy of every message.
   */
  readonly group?: string;
  /**
   * Of a group: false lets several members handle messages of one `partitionKey` at a time. True or absent: one member at a time handles
   * the messages of a key, in order. All members give the same.
   */
  readonly ordered?: boolean;
}

export const subscribeOptionKinds = {
  name: text,
  startTimeNs: nanoseconds,
  idleExpiryS: whole(0, uint32Max),
  deadLetters: members({ afterAttempts: whole(0, uint32Max), topic: text }),
  window: members({ messages: whole(1, uint32Max), bytes: whole(1, uint32Max) }),
  group: text,
  ordered: flag,
} satisfies Record<keyof SubscribeOptions, unknown>;

/** The options as OpenSubscription has them. */
export function openingOf({ startTimeNs, idleExpiryS = 0, deadLetters, group = '', ordered }: SubscribeOptions) {
  return {
    startAt: startTimeNs === undefined ? StartAt.LAST_ACKNOWLEDGED : StartAt.TIME,
    startTimeNs: startTimeNs ?? 0n,
    idleExpiryS,
    maxAttempts: deadLetters?.afterAttempts ?? 0,
    deadLetterTopic: deadLetters?.topic ?? '',
    group,
    unordered: ordered === false,
  };
}

/** What is done in the same operation as saving the state. */
export interface SaveStateOptions {
  /** Messages whose effects the state contains: they are acknowledged with it. None when absent. */
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

/** How to reach the sidecar. */
export interface ConnectOptions {
  /** `host:port` of the sidecar; SIDECAR_ADDR, or 127.0.0.1:9191, when absent. */
  readonly address?: string;
  /** The version of Meridian's contract that the plugin was written for; 1.0.0 when absent. */
  readonly schemaVersion?: string;
  /** How long to wait for the sidecar at first, and for a lost connection before a call fails; 60,000 when absent. */
  readonly waitTimeoutMs?: number;
  /** Receives what the client reports, such as a handler that failed; lines of text from level info on stderr when absent. */
  readonly log?: Log;
}

export const connectOptionKinds = {
  address: text,
  schemaVersion: text,
  waitTimeoutMs: whole(0, int32Max),
  log: logger,
} satisfies Record<keyof ConnectOptions, unknown>;
