import type { AcknowledgedPositions } from '../../contract/wire/acknowledged-positions.ts';
import type { Encoded } from '../../contract/wire/codec/encoded.ts';
import type { Envelope, MessageMeta } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import type { Grant } from '../../contract/wire/topics/grants.ts';
import type { Attempts, DeliveryRecord, DeliveryTo, FailedDelivery } from './deliveries.ts';
import type { IdleExpiry } from './idle-expiry.ts';

/** A writer. Its epoch fences every earlier owner of the instance id. */
export interface Owner {
  readonly instanceId: string;
  readonly epoch: bigint;
}

/** A writer of subscriptions: of its own, or of those of a group that it is a member of. */
export interface SubscriptionWriter extends Owner {
  /** Whose the subscription is, in place of the instance. It can be no instance id. Absent: it is the instance's own. */
  readonly scope?: string;
}

/** Thrown by every write whose epoch does not own the instance id, no longer or not yet. */
export class StaleEpochError extends Error {
  override readonly name = 'StaleEpochError';
  readonly owner: Owner;

  constructor(owner: Owner) {
    super(`epoch ${owner.epoch} of ${owner.instanceId} does not own the instance id`);
    this.owner = owner;
  }
}

/** Thrown by `saveState` if the stored revision is not the one that the new state was made from. */
export class RevisionConflictError extends Error {
  override readonly name = 'RevisionConflictError';
  readonly revisions: { readonly expected: bigint; readonly stored: bigint };

  constructor(revisions: { expected: bigint; stored: bigint }) {
    super(`expected state revision ${revisions.expected}, stored is ${revisions.stored}`);
    this.revisions = revisions;
  }
}

/** Thrown by `append` if unacknowledged messages fill the store: accepting more would mean dropping accepted ones. */
export class StoreFullError extends Error {
  override readonly name = 'StoreFullError';
}

/** Thrown by `openSubscription` if one more name would exceed the instance's quota of stored names. */
export class TooManySubscriptionsError extends Error {
  override readonly name = 'TooManySubscriptionsError';
  readonly counts: { readonly stored: number; readonly limit: number };

  constructor(counts: { stored: number; limit: number }) {
    super(`${counts.stored} subscriptions are stored, and the limit is ${counts.limit}`);
    this.counts = counts;
  }
}

/** One start of a sidecar. */
export interface Start {
  /** Nanoseconds since the Unix epoch. Orders two starts of one instance. */
  readonly startedAtNs: bigint;
  /** The principal of this start. Empty in older files. */
  readonly principal: string;
}

/** The epoch that owns an instance id. */
export interface StoredOwner extends Start {
  readonly epoch: bigint;
}

export interface NewMessage {
  /** Ascending within the epoch. A repeat of a stored sequence is recognised at any later time. */
  readonly sequence: bigint;
  /** Every lower sequence is settled and will not be repeated. */
  readonly settledBelow: bigint;
  readonly meta: MessageMeta;
  readonly envelope: Encoded<Envelope>;
}

export interface Appended {
  readonly messageId: string;
  /** The plugin's own dedup key was seen within its window. `messageId` is that of the first message. */
  readonly duplicate: boolean;
}

export interface StoredMessage {
  /** Ascending over the whole log, and over restarts of the store. */
  readonly position: bigint;
  readonly topic: string;
  readonly publishedAtNs: bigint;
  /** Its size is counted against credit. */
  readonly envelope: Encoded<Envelope>;
}

/** A read of a subscription that is behind. */
export interface MatchingMessages {
  readonly messages: readonly StoredMessage[];
  /** `messages` contains everything up to here that the pattern matches and that is still retained. */
  readonly cursor: bigint;
  /** The number of messages after the requested position, of any topic, that are no longer retained. */
  readonly missed: number;
  /** Whether the read reached the end of the log. */
  readonly isAtEnd: boolean;
}

export type SubscriptionStart = { readonly kind: 'new' } | { readonly kind: 'time'; readonly fromNs: bigint };

export interface SubscriptionSpec {
  readonly name: string;
  readonly pattern: string;
  /** Where to start if no cursor is stored under the name, or it belongs to another pattern. */
  readonly start: SubscriptionStart;
  /** How long the cursor outlives its last use. Absent: the bus's default. */
  readonly idleExpiryMs?: number;
  /** The most names that the instance may have stored if this one is new. Absent: no limit. */
  readonly storedMax?: number;
  /** Delivered on an earlier session and still with the plugin. */
  readonly inHand?: readonly bigint[];
}

/** A subscription's progress: everything up to the cursor is finished, except unacknowledged messages. */
export interface SubscriptionProgress {
  readonly cursor: bigint;
  /** Ascending. */
  readonly pending: Attempts;
  /** Of a group: what is in flight, with the member that has it. Absent: of an instance. */
  readonly inFlight?: ReadonlyMap<bigint, DeliveryTo>;
}

/** A subscription belongs to its instance, or to a group's scope, which then takes the place of the instance id. */
export interface SubscriptionKey {
  readonly instanceId: string;
  readonly name: string;
}

export interface BacklogOptions {
  /** Only of these; absent: of all. */
  readonly of?: readonly SubscriptionKey[];
  /** Counting bytes takes long, so it is done only if the log holds more than this. */
  readonly countBytesAbove: number;
}

/** The messages retained for a subscription: everything from the first unfinished message. */
export interface Backlog extends SubscriptionKey {
  readonly messages: number;
  /** 0 if it was not requested. */
  readonly bytes: number;
}

/** Which stored subscriptions are wanted. */
export interface SubscriptionPage {
  /** Absent: of every instance. */
  readonly instanceId?: string;
  /** Those that follow this one in the order; absent: from the first. */
  readonly after?: SubscriptionKey;
  /** The most that are wanted; absent: all. */
  readonly limit?: number;
}

/** A subscription as it is stored, without its messages. */
export interface StoredSubscription extends SubscriptionKey {
  readonly pattern: string;
  /** How many messages were delivered and not acknowledged. */
  readonly unacknowledged: number;
  /** As its plugin asked; undefined: it did not. */
  readonly idleExpiryMs: number | undefined;
}

export interface ExpiryOptions extends IdleExpiry {
  readonly inUse: (instanceId: string, name: string) => boolean;
}

export interface StateChange {
  readonly state: Uint8Array;
  /** The revision that the new state was made from. 0: there was none. */
  readonly expectedRevision: bigint;
  /** With the scope of a group's subscription. */
  readonly acknowledge: readonly (AcknowledgedPositions & { readonly scope?: string })[];
}

export interface StoredState {
  readonly state: Uint8Array;
  readonly revision: bigint;
}

/** An administrator's decision on one grant of one instance. */
export interface GrantDecision extends Grant {
  readonly instanceId: string;
  readonly verdict: 'approved' | 'revoked';
  /** The principal of the administrator. */
  readonly by: string;
  /** Nanoseconds since the Unix epoch. */
  readonly decidedAtNs: bigint;
}

/** What is stored, and its limit. */
export interface StoreUsage {
  readonly messages: number;
  /** Of messages and everything else that counts. */
  readonly bytes: number;
  readonly limitBytes: number;
  /** Of the newest message; before the first message, where the log begins. */
  readonly lastPosition: bigint;
}

/**
 * The Bus API's storage. Every write of a sidecar names its owner. The same operation refuses it with StaleEpochError if that epoch does
 * not own the instance id. One test suite runs against all implementations.
 */
export interface Store {
  /** Reserves a new epoch, higher than every earlier one of this instance. It owns nothing until `activate`. */
  reserve(instanceId: string, start: Start): Promise<bigint>;
  /** The epoch that owns the instance id, and its start as given to `reserve`. */
  ownerOf(instanceId: string): Promise<StoredOwner | undefined>;
  /** Makes the epoch the owner. An earlier owner starts draining: it may write until `fence`. @throws StaleEpochError */
  activate(owner: Owner): Promise<{ readonly draining: bigint | undefined }>;
  /** Ends every right of the epoch. Repeating it changes nothing. An instance id that no epoch ever owned is forgotten with its last one. */
  fence(owner: Owner): Promise<void>;
  /** Whether the epoch is the owner or draining. */
  mayWrite(owner: Owner): Promise<boolean>;

  /** Stores messages in order, all or none. @throws StaleEpochError, StoreFullError */
  append(owner: Owner, messages: readonly NewMessage[]): Promise<readonly Appended[]>;
  /** Messages after a position, ascending, at most `limit`. */
  read(after: bigint, limit: number): Promise<readonly StoredMessage[]>;
  /** Messages after a position that a pattern matches, ascending, at most `limit`. Fewer do not mean the end of the log. */
  readMatching(pattern: string, after: bigint, limit: number): Promise<MatchingMessages>;
  get(position: bigint): Promise<StoredMessage | undefined>;
  /** Calls the listener with the messages of every append, in the order of the log, until the returned function is called. */
  onAppend(listener: (added: readonly StoredMessage[]) => void): () => void;

  /**
   * Finds or creates the cursor and closes earlier deliveries. Those that the spec lists as still with the plugin stay in flight.
   * Other deliveries of this epoch got lost on the way and are not attempts: its sidecar requeues or nacks all that it gets. Those of an
   * earlier epoch are attempts: its sidecar ended unexpectedly. Deliveries to other members of a group stay as they are.
   * @throws StaleEpochError, TooManySubscriptionsError
   */
  openSubscription(writer: SubscriptionWriter, spec: SubscriptionSpec): Promise<SubscriptionProgress>;
  /**
   * Records deliveries before they are sent, each an attempt in flight. Resolves with the positions to send: all but those acked since.
   * @throws StaleEpochError
   */
  recordDelivery(writer: SubscriptionWriter, name: string, delivery: DeliveryRecord): Promise<readonly bigint[]>;
  /**
   * Ends the deliveries in flight to other members of the group, whose sidecars ended unexpectedly: each is an attempt. Resolves with
   * what is to redeliver. @throws StaleEpochError
   */
  takeFromMembers(writer: SubscriptionWriter, name: string, members: readonly Owner[]): Promise<Attempts>;
  /** The number of recorded deliveries without an ack. */
  unacknowledged(subscription: SubscriptionKey): Promise<number>;
  /** Records that these subscriptions have finished everything up to a position, except unacknowledged messages. @throws StaleEpochError */
  recordProgress(owner: Owner, names: readonly string[], cursor: bigint): Promise<void>;
  /** The positions are never delivered after this. @throws StaleEpochError */
  acknowledge(writer: SubscriptionWriter, name: string, positions: readonly bigint[]): Promise<void>;
  /** Requeues all deliveries in flight to the writer. Only those in `failed` count as attempts. @throws StaleEpochError */
  requeue(writer: SubscriptionWriter, name: string, failed: readonly bigint[]): Promise<void>;
  /**
   * Nacks these deliveries to the writer: each ends as an attempt. Resolves with the positions to redeliver and their attempts so far, without those
   * already acked. @throws StaleEpochError
   */
  nack(
    writer: SubscriptionWriter,
    name: string,
    failed: readonly FailedDelivery[],
  ): Promise<ReadonlyMap<bigint, number>>;
  /**
   * Appends the dead letter and acks the original's position, both or neither. Does nothing if the position is not unacknowledged.
   * @throws StaleEpochError, StoreFullError
   */
  deadLetter(writer: SubscriptionWriter, name: string, dead: { position: bigint; letter: Envelope }): Promise<void>;
  /** Forgets subscriptions without a live session that were idle for longer than their expiry. */
  expireSubscriptions(options: ExpiryOptions): Promise<number>;

  /** Ordered by instance id, then by name. */
  storedSubscriptions(page: SubscriptionPage): Promise<readonly StoredSubscription[]>;
  /** Forgets a subscription, whether or not a session uses it. Resolves with false when there is none. */
  dropSubscription(key: SubscriptionKey): Promise<boolean>;
  /** The subscriptions with a backlog. */
  backlogs(options: BacklogOptions): Promise<readonly Backlog[]>;
  /** Stops retaining messages for exactly these subscriptions. Resumes it for all others. */
  stopRetainingFor(subscriptions: readonly SubscriptionKey[]): Promise<void>;

  loadState(instanceId: string): Promise<StoredState | undefined>;
  /** Compare-and-set. Acks in the same operation. @throws StaleEpochError, RevisionConflictError */
  saveState(owner: Owner, change: StateChange): Promise<bigint>;

  /** Forgets the state of an instance, for an administrator. Resolves with false when there is none. */
  forgetState(instanceId: string): Promise<boolean>;

  /** Stores decisions permanently, in the given order. Each replaces an earlier one on the same grant. */
  recordDecisions(decisions: readonly GrantDecision[]): Promise<void>;
  /** Every stored decision, the latest last. */
  decisions(): Promise<readonly GrantDecision[]>;

  usage(): Promise<StoreUsage>;
}
