import type { Envelope } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import type { Grant } from '../../contract/wire/grants.ts';
import type { IdleExpiry } from './idle-expiry.ts';

/** Who writes: the epoch fences out every earlier owner of the same instance id. */
export interface Owner {
  readonly instanceId: string;
  readonly epoch: bigint;
}

/** Thrown by every write whose epoch no longer (or not yet) owns the instance id. */
export class StaleEpochError extends Error {
  override readonly name = 'StaleEpochError';
  readonly owner: Owner;

  constructor(owner: Owner) {
    super(`epoch ${owner.epoch} of ${owner.instanceId} does not own the instance id`);
    this.owner = owner;
  }
}

/** Thrown by `saveState` when another revision is stored than the one the new state was made from. */
export class RevisionConflictError extends Error {
  override readonly name = 'RevisionConflictError';
  readonly revisions: { readonly expected: bigint; readonly stored: bigint };

  constructor(revisions: { expected: bigint; stored: bigint }) {
    super(`expected state revision ${revisions.expected}, stored is ${revisions.stored}`);
    this.revisions = revisions;
  }
}

/** Thrown by `append` when unacknowledged messages fill the store: accepting more would mean dropping accepted ones. */
export class StoreFullError extends Error {
  override readonly name = 'StoreFullError';
}

/** Thrown by `openSubscription` when one more name would be stored than the instance may have. */
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
  /** Nanoseconds since the Unix epoch; what orders two starts of one instance. */
  readonly startedAtNs: bigint;
  /** Who it was, by its credential; empty in files of before this was stored. */
  readonly principal: string;
}

/** The epoch that owns an instance id. */
export interface StoredOwner extends Start {
  readonly epoch: bigint;
}

export interface NewMessage {
  /** Ascending within the epoch; a repeat of a stored sequence is recognised whenever it comes. */
  readonly sequence: bigint;
  /** Every sequence below is settled and will not be repeated. */
  readonly settledBelow: bigint;
  readonly envelope: Envelope;
}

export interface Appended {
  readonly messageId: string;
  /** The plugin's own dedup key was seen within its window; `messageId` is that of the first message. */
  readonly duplicate: boolean;
}

export interface StoredMessage {
  /** Ascending over the whole log, and over a restart of the store. */
  readonly position: bigint;
  readonly envelope: Envelope;
  /** Encoded size, which credits are counted in. */
  readonly bytes: number;
}

/** What a subscription reads that is behind. */
export interface MatchingMessages {
  readonly messages: readonly StoredMessage[];
  /** Everything that the pattern matches up to here is in `messages`, or is not kept any more. */
  readonly scannedTo: bigint;
  /** So many after the asked position, of any topic, are not kept any more. */
  readonly missed: number;
  /** Whether `scannedTo` is the end of the log. */
  readonly isAtEnd: boolean;
}

export type SubscriptionStart = { readonly kind: 'new' } | { readonly kind: 'time'; readonly fromNs: bigint };

export interface SubscriptionSpec {
  readonly name: string;
  readonly pattern: string;
  /** Where to start when no position is stored under the name, or it belongs to another pattern. */
  readonly start: SubscriptionStart;
  /** How long the position outlives its last use; the bus's default when absent. */
  readonly idleExpiryMs?: number;
  /** How many names the instance may have stored when this one is not stored yet; any number when absent. */
  readonly storedMax?: number;
  /** Delivered on an earlier session and still with the plugin. */
  readonly inHand?: readonly bigint[];
}

/** What is stored of one subscription: everything up to `scannedTo` is done with, but for what is pending or in hand. */
export interface SubscriptionPosition {
  readonly scannedTo: bigint;
  /** To be delivered again, by position, with the number of attempts so far; in ascending order. */
  readonly pending: ReadonlyMap<bigint, number>;
}

/** A delivery that ended without an acknowledgement; its number tells it from an earlier one of the same message. */
export interface FailedDelivery {
  readonly position: bigint;
  readonly attempt: number;
}

/** A subscription is its instance's. */
export interface SubscriptionKey {
  readonly instanceId: string;
  readonly name: string;
}

/** What a subscription holds back in the log: everything from the first message that it has not finished with. */
export interface Backlog extends SubscriptionKey {
  readonly messages: number;
  /** 0 when it was not asked for. */
  readonly bytes: number;
}

export interface ExpiryOptions extends IdleExpiry {
  readonly inUse: (instanceId: string, name: string) => boolean;
}

export interface AcknowledgedPositions {
  /** Of the subscription. */
  readonly name: string;
  readonly positions: readonly bigint[];
}

export interface StateChange {
  readonly state: Uint8Array;
  /** The revision that the new state was made from; 0 when there was none. */
  readonly expectedRevision: bigint;
  readonly acknowledge: readonly AcknowledgedPositions[];
}

export interface StoredState {
  readonly state: Uint8Array;
  readonly revision: bigint;
}

/** What an administrator decided on one grant of one instance. */
export interface GrantDecision extends Grant {
  readonly instanceId: string;
  readonly verdict: 'approved' | 'revoked';
  /** The principal of the administrator. */
  readonly by: string;
  /** Nanoseconds since the Unix epoch. */
  readonly decidedAtNs: bigint;
}

/**
 * What the Bus API keeps. Every write of a sidecar names its owner and is refused with StaleEpochError in the same operation when
 * that epoch does not own the instance id. One suite runs against all implementations.
 */
export interface Store {
  /** Gives out a new epoch, higher than every earlier one of this instance; it owns nothing until `activate`. */
  reserve(instanceId: string, start: Start): Promise<bigint>;
  /** Which epoch owns the instance id, and when its sidecar started, by `reserve`. */
  ownerOf(instanceId: string): Promise<StoredOwner | undefined>;
  /** Makes the epoch the owner. An earlier owner becomes draining: it may write until `fence`. @throws StaleEpochError */
  activate(owner: Owner): Promise<{ readonly draining: bigint | undefined }>;
  /** Ends every right of the epoch; doing it again changes nothing. */
  fence(owner: Owner): Promise<void>;
  /** Whether the epoch is the owner or drains. */
  mayWrite(owner: Owner): Promise<boolean>;

  /** Stores messages in order, all or none. @throws StaleEpochError, StoreFullError */
  append(owner: Owner, messages: readonly NewMessage[]): Promise<readonly Appended[]>;
  /** Messages after a position, ascending, at most `limit`. */
  read(after: bigint, limit: number): Promise<readonly StoredMessage[]>;
  /** Messages after a position that a pattern matches, ascending, at most `limit`; fewer do not mean that there are no more. */
  readMatching(pattern: string, after: bigint, limit: number): Promise<MatchingMessages>;
  get(position: bigint): Promise<StoredMessage | undefined>;
  /** Passes on what every append has added, in the order of the log, until the returned function is called. */
  onAppend(listener: (added: readonly StoredMessage[]) => void): () => void;

  /**
   * Finds or makes the stored position, and settles the deliveries that were under way. What is `inHand` goes on and is not
   * pending. What this epoch delivered otherwise got lost on its way, since its sidecar hands back or reports all that it
   * got: that was no attempt. What an earlier epoch left under way was an attempt: its sidecar ended without a word.
   * @throws StaleEpochError, TooManySubscriptionsError
   */
  openSubscription(owner: Owner, spec: SubscriptionSpec): Promise<SubscriptionPosition>;
  /**
   * Notes what is about to be delivered, as one more attempt that is under way. Resolves with what is to be delivered: all
   * but the positions that were passed before and have been acknowledged since. @throws StaleEpochError
   */
  recordDelivery(
    owner: Owner,
    name: string,
    delivery: { positions: readonly bigint[]; scannedTo: bigint },
  ): Promise<readonly bigint[]>;
  /** How many deliveries of the subscription are recorded and not acknowledged. */
  unacknowledged(subscription: SubscriptionKey): Promise<number>;
  /** Notes that these subscriptions are done with everything up to a position, but for what is pending. @throws StaleEpochError */
  recordProgress(owner: Owner, names: readonly string[], scannedTo: bigint): Promise<void>;
  /** After this the positions never come again. @throws StaleEpochError */
  acknowledge(owner: Owner, name: string, positions: readonly bigint[]): Promise<void>;
  /** Ends every delivery under way: the `failed` stay attempts, and the others never were. @throws StaleEpochError */
  handBack(owner: Owner, name: string, failed: readonly bigint[]): Promise<void>;
  /**
   * Ends these deliveries as attempts. Resolves with those that are to be delivered again and their attempts so far, which
   * leaves out what was acknowledged. @throws StaleEpochError
   */
  retry(owner: Owner, name: string, failed: readonly FailedDelivery[]): Promise<ReadonlyMap<bigint, number>>;
  /**
   * Appends the letter and acknowledges the position it stands for, both or neither; nothing when that is not pending.
   * @throws StaleEpochError, StoreFullError
   */
  deadLetter(owner: Owner, name: string, dead: { position: bigint; letter: Envelope }): Promise<void>;
  /** Forgets subscriptions that no live session uses and that were idle for longer than their expiry. */
  expireSubscriptions(options: ExpiryOptions): Promise<number>;

  /** The subscriptions that hold anything back. Bytes take long to count: only while the log holds more than this. */
  backlogs(options: { countBytesAbove: number }): Promise<readonly Backlog[]>;
  /** From now on keeps no message for the sake of these subscriptions, and again for those that are left out. */
  keepNothingFor(subscriptions: readonly SubscriptionKey[]): Promise<void>;

  loadState(instanceId: string): Promise<StoredState | undefined>;
  /** Compare-and-set; acknowledges in the same operation. @throws StaleEpochError, RevisionConflictError */
  saveState(owner: Owner, change: StateChange): Promise<bigint>;

  /** Keeps decisions for good, in the order given; each takes the place of an earlier one on the same grant. */
  recordDecisions(decisions: readonly GrantDecision[]): Promise<void>;
  /** Every decision that is kept, the latest last. */
  decisions(): Promise<readonly GrantDecision[]>;
}
