import type { AcknowledgedPositions } from '../../../contract/wire/acknowledged-positions.ts';
import type { Attempts, DeliveryRecord, FailedDelivery } from '../deliveries.ts';
import type { RetentionOptions } from '../retention.ts';
import type {
  Appended,
  Backlog,
  BacklogOptions,
  GrantDecision,
  MatchingMessages,
  Owner,
  Start,
  StateChange,
  StoredOwner,
  StoredState,
  StoredSubscription,
  StoreUsage,
  SubscriptionKey,
  SubscriptionPage,
  SubscriptionProgress,
  SubscriptionSpec,
  SubscriptionWriter,
} from '../store.ts';

/** A message for the worker, which does not know the wire format: the envelope's bytes and the columns for searches. */
export interface EncodedMessage {
  readonly sequence: bigint;
  readonly settledBelow: bigint;
  readonly messageId: string;
  readonly topic: string;
  /** Empty if the plugin gave none. */
  readonly dedupKey: string;
  readonly publishedAtNs: bigint;
  readonly envelope: Uint8Array;
}

/** A message to append. */
export type LogEntry = Pick<EncodedMessage, 'topic' | 'publishedAtNs' | 'envelope'>;

export interface EncodedStoredMessage {
  readonly position: bigint;
  readonly envelope: Uint8Array;
}

/** The result of a message. A repeat has no position. */
export interface AppendedRow extends Appended {
  readonly position: bigint | undefined;
}

/** The worker's commands. Each is done whole or not at all. The caller gives the wall clock, in milliseconds. */
export interface StoreCommands {
  reserve(args: { instanceId: string; start: Start; wallTimeMs: bigint }): bigint;
  forgetReservations(args: Record<never, never>): void;
  ownerOf(args: { instanceId: string }): StoredOwner | undefined;
  activate(args: { owner: Owner }): { readonly draining: bigint | undefined };
  fence(args: { owner: Owner }): void;
  mayWrite(args: { owner: Owner }): boolean;
  append(args: { owner: Owner; messages: readonly EncodedMessage[]; wallTimeMs: bigint }): readonly AppendedRow[];
  read(args: { after: bigint; limit: number }): readonly EncodedStoredMessage[];
  /** Includes messages of earlier schema versions whatever their topic. */
  readMatching(args: {
    pattern: string;
    after: bigint;
    limit: number;
  }): Omit<MatchingMessages, 'messages'> & { readonly messages: readonly EncodedStoredMessage[] };
  get(args: { position: bigint }): EncodedStoredMessage | undefined;
  openSubscription(args: { owner: SubscriptionWriter; spec: SubscriptionSpec }): SubscriptionProgress;
  recordDelivery(args: { owner: SubscriptionWriter; name: string; delivery: DeliveryRecord }): readonly bigint[];
  takeFromMembers(args: { owner: SubscriptionWriter; name: string; members: readonly Owner[] }): Attempts;
  unacknowledged(args: SubscriptionKey): number;
  recordProgress(args: { owner: Owner; names: readonly string[]; cursor: bigint }): void;
  acknowledge(args: { owner: SubscriptionWriter; acknowledged: AcknowledgedPositions }): void;
  requeue(args: { owner: SubscriptionWriter; name: string; failed: readonly bigint[] }): void;
  nack(args: { owner: SubscriptionWriter; name: string; failed: readonly FailedDelivery[] }): Attempts;
  deadLetter(args: { owner: SubscriptionWriter; name: string; position: bigint; letter: LogEntry }): bigint | undefined;
  subscriptions(args: SubscriptionPage): readonly StoredSubscription[];
  dropSubscriptions(args: { keys: readonly SubscriptionKey[] }): number;
  backlogs(args: BacklogOptions): readonly Backlog[];
  stopRetainingFor(args: { keys: readonly SubscriptionKey[] }): void;
  loadState(args: { instanceId: string }): StoredState | undefined;
  saveState(args: StateChange & { owner: Owner }): bigint;
  forgetState(args: { instanceId: string }): boolean;
  usage(args: Record<never, never>): StoreUsage;
  recordDecisions(args: { decisions: readonly GrantDecision[] }): void;
  decisions(args: Record<never, never>): readonly GrantDecision[];
}

export type CommandName = keyof StoreCommands;
export type CommandArgs<Name extends CommandName> = Parameters<StoreCommands[Name]>[0];
export type CommandResult<Name extends CommandName> = ReturnType<StoreCommands[Name]>;
export type Command = { [Name in CommandName]: { readonly name: Name; readonly args: CommandArgs<Name> } }[CommandName];

/** Commands that change nothing in the file, so a group of them needs no transaction. */
export const readingCommands: ReadonlySet<CommandName> = new Set<CommandName>([
  'mayWrite',
  'ownerOf',
  'read',
  'readMatching',
  'get',
  'unacknowledged',
  'subscriptions',
  'backlogs',
  'stopRetainingFor',
  'loadState',
  'decisions',
  'usage',
]);

/** The commands about ownership itself. Every other command with an owner is refused unless its epoch may write. */
const ownershipCommands: ReadonlySet<CommandName> = new Set<CommandName>(['activate', 'fence', 'mayWrite']);

/** The owner of a command, which is refused if its epoch may not write. Undefined if it has none. */
export function writerOf({ name, args }: Command): Owner | undefined {
  return 'owner' in args && !ownershipCommands.has(name) ? args.owner : undefined;
}

/**
 * Commands that make space or lose nothing by waiting: on a full disk they wait instead of being refused. The other commands are refused,
 * since their callers can report it.
 */
export const waitingCommands: ReadonlySet<CommandName> = new Set<CommandName>([
  'fence',
  'openSubscription',
  'recordDelivery',
  'takeFromMembers',
  'recordProgress',
  'acknowledge',
  'requeue',
  'nack',
  'dropSubscriptions',
  'forgetState',
]);

/** Why one command was not done. An error's class is lost between threads. */
export type Refusal =
  | { readonly kind: 'staleEpoch'; readonly owner: Owner }
  | { readonly kind: 'revisionConflict'; readonly expected: bigint; readonly stored: bigint }
  | { readonly kind: 'tooManySubscriptions'; readonly stored: number; readonly limit: number }
  | { readonly kind: 'full'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

export type Answer = { readonly done: unknown } | { readonly refused: Refusal };

/** What the worker needs to open the store. */
export interface WorkerOptions {
  /** Absolute. */
  readonly path: string;
  readonly retention: RetentionOptions;
  readonly dedupWindowMs: number;
  /** How long to wait for another process that has the file open. */
  readonly lockTimeoutMs: number;
  /** The first position of a new log. */
  readonly firstPosition: bigint;
}

/** Messages from the opening thread: commands to commit together, or the order to copy or to close the file. */
export type ToWorker =
  | { readonly kind: 'commands'; readonly commands: readonly Command[] }
  /** To a new file; one copy at a time. */
  | { readonly kind: 'copy'; readonly to: string }
  | { readonly kind: 'close' };

/** The fields of a UserFacingError if the file cannot be opened or can no longer be trusted. */
export interface StoreFault {
  readonly id: string;
  readonly found: string;
  readonly next: readonly string[];
  readonly exitCode: number;
}

export type FromWorker =
  | { readonly kind: 'opened'; readonly isDiskFull: boolean }
  /** The last message: the thread ends. */
  | { readonly kind: 'failed'; readonly fault: StoreFault }
  /** In the order of the commands. Sent once they are on the disk. */
  | {
      readonly kind: 'answers';
      readonly answers: readonly Answer[];
      readonly committed: boolean;
      readonly isDiskFull: boolean;
    }
  | ({ readonly kind: 'copying' } & CopiedPages)
  /** `failure` says why the copy failed. */
  | { readonly kind: 'copied'; readonly failure: string | undefined };

/** The progress of a copy of the store. */
export interface CopiedPages {
  readonly copied: number;
  readonly total: number;
}
