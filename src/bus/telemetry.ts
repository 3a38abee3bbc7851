import type { CallEnding } from '../contract/wire/call-ending.ts';
import type { MessageInit } from '../contract/wire/codec/message.ts';
import type { PublishResult } from '../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { MessageMeta } from '../contract/wire/gen/meridian/v1/envelope_pb.ts';
import type { Registration } from './ownership/registration.ts';
import type { StoredUnder } from './session/feed.ts';
import type { Store, StoredMessage } from './store/store.ts';

/** The result of a publish at the bus. */
export const storedOutcomes = ['stored', 'duplicate', 'refused'] as const;
export type StoredOutcome = (typeof storedOutcomes)[number];
/** The refused item: a connection, a registration, a message, a subscription or responder, a call. */
export const refusedKinds = ['client', 'registration', 'publish', 'subscription', 'call'] as const;
export type RefusedKind = (typeof refusedKinds)[number];

/** What was refused to whom, and why. */
export interface Refusal {
  /** An instance id, or the address of a client that has none. */
  readonly who: string;
  readonly reason: string;
}

/** A dead letter, beside the metadata of its original. */
export interface DeadLettering {
  readonly subscription: string;
  readonly attempts: number;
  readonly deadLetterTopic: string;
  readonly payloadType: string;
}

type Meta = MessageMeta | undefined;

/** What a bus that serves has. */
export interface Watched {
  readonly registrations: () => readonly Registration[];
  readonly store: Store;
}

/** Receives the bus's events about messages and clients. It only counts and records, and never fails. */
export interface BusTelemetry {
  /** Called with what a bus has when it begins to serve, and with nothing when it ends. */
  watch(watched: Watched | undefined): void;
  /** Returns the store's work and measures its duration. */
  append<T>(work: Promise<T>): Promise<T>;
  /** `reason` if it was refused. */
  published(meta: Meta, outcome: StoredOutcome, reason?: string): void;
  /** A message was sent on to a sidecar. */
  delivered(message: StoredMessage, receiver: string, subscription: StoredUnder): void;
  /** A request was sent on to a sidecar. */
  requested(meta: Meta, receiver: string): void;
  /** A message was dead-lettered after its last attempt. */
  deadLettered(meta: Meta, receiver: string, how: DeadLettering): void;
  /** `reason` unless it was answered. */
  called(meta: Meta, outcome: CallEnding, reason?: string): void;
  refused(kind: RefusedKind, refusal: Refusal): void;
  leaseEnded(): void;
}

/** For a bus without metrics and audit log. */
export const silentTelemetry: BusTelemetry = {
  watch() {},
  append: (work) => work,
  published() {},
  delivered() {},
  requested() {},
  deadLettered() {},
  called() {},
  refused() {},
  leaseEnded() {},
};

/** Tells each event to both. */
export function bothOf(one: BusTelemetry, other: BusTelemetry): BusTelemetry {
  return {
    watch(...source) {
      one.watch(...source);
      other.watch(...source);
    },
    append: (work) => one.append(other.append(work)),
    published(...event) {
      one.published(...event);
      other.published(...event);
    },
    delivered(...event) {
      one.delivered(...event);
      other.delivered(...event);
    },
    requested(...event) {
      one.requested(...event);
      other.requested(...event);
    },
    deadLettered(...event) {
      one.deadLettered(...event);
      other.deadLettered(...event);
    },
    called(...event) {
      one.called(...event);
      other.called(...event);
    },
    refused(...event) {
      one.refused(...event);
      other.refused(...event);
    },
    leaseEnded() {
      one.leaseEnded();
      other.leaseEnded();
    },
  };
}

export function storedOutcomeOf(result: MessageInit<PublishResult>): StoredOutcome {
  if (!result.accepted) return 'refused';
  return result.duplicate ? 'duplicate' : 'stored';
}
