import type { CallEnding } from '../contract/wire/call-ending.ts';
import type { MessageInit } from '../contract/wire/codec/message.ts';
import type { PublishResult } from '../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { MessageMeta } from '../contract/wire/gen/meridian/v1/envelope_pb.ts';
import type { Registration } from './ownership/registration.ts';
import type { Store, StoredMessage } from './store/store.ts';

/** The result of a publish at the bus. */
export const storedOutcomes = ['stored', 'duplicate', 'refused'] as const;
export type StoredOutcome = (typeof storedOutcomes)[number];
/** The refused item: a connection, a registration, a message, a subscription or responder, a call. */
export const refusedKinds = ['client', 'registration', 'publish', 'subscription', 'call'] as const;
export type RefusedKind = (typeof refusedKinds)[number];

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
  published(meta: Meta, outcome: StoredOutcome): void;
  /** A message was sent on to a sidecar. */
  delivered(message: StoredMessage, receiver: string): void;
  /** A request was sent on to a sidecar. */
  requested(meta: Meta, receiver: string): void;
  /** A message was dead-lettered after its last attempt. */
  deadLettered(meta: Meta, receiver: string): void;
  called(meta: Meta, outcome: CallEnding): void;
  refused(kind: RefusedKind): void;
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

export function storedOutcomeOf(result: MessageInit<PublishResult>): StoredOutcome {
  if (!result.accepted) return 'refused';
  return result.duplicate ? 'duplicate' : 'stored';
}
