import type { CallEnding } from '../contract/wire/call-ending.ts';
import type { MessageMeta } from '../contract/wire/gen/meridian/v1/envelope_pb.ts';
import type { Registration } from './ownership/registration.ts';

/** What the bus did with a publish. */
export type StoredOutcome = 'stored' | 'duplicate' | 'refused';
/** What was refused: a connection, a registration, a message, a subscription or server, a call. */
export type RefusedKind = 'client' | 'registration' | 'publish' | 'subscription' | 'call';

type Meta = MessageMeta | undefined;

/** Hears what the bus does with messages and clients, where it does it. It only counts and notes, and never fails. */
export interface BusRecorder {
  /** Told once of where the registrations are found. */
  watch(registrations: () => readonly Registration[]): void;
  /** Passes the work of the store on, and how long it took. */
  append<T>(work: Promise<T>): Promise<T>;
  published(meta: Meta, outcome: StoredOutcome): void;
  /** A message, or a request, was sent on to a sidecar. */
  routed(kind: 'message' | 'call', meta: Meta, receiver: string): void;
  /** A receiver used up all attempts of a message. */
  deadLettered(meta: Meta, receiver: string): void;
  called(meta: Meta, outcome: CallEnding): void;
  refused(kind: RefusedKind): void;
  leaseEnded(): void;
}

/** For a bus that nobody watches. */
export const silentRecorder: BusRecorder = {
  watch() {},
  append: (work) => work,
  published() {},
  routed() {},
  deadLettered() {},
  called() {},
  refused() {},
  leaseEnded() {},
};

export function storedOutcomeOf(result: { readonly accepted?: boolean; readonly duplicate?: boolean }): StoredOutcome {
  if (!result.accepted) return 'refused';
  return result.duplicate ? 'duplicate' : 'stored';
}
