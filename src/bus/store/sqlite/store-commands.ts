import type { RetentionOptions } from '../retention.ts';
import type {
  AcknowledgedPositions,
  Appended,
  Backlog,
  FailedDelivery,
  GrantDecision,
  MatchingMessages,
  Owner,
  Start,
  StateChange,
  StoredOwner,
  StoredState,
  SubscriptionKey,
  SubscriptionPosition,
  SubscriptionSpec,
} from '../store.ts';

/** A message as it crosses to the worker, which knows nothing of the wire: the envelope's bytes and what rows are found by. */
export interface EncodedMessage {
  readonly sequence: bigint;
  readonly settledBelow: bigint;
  readonly messageId: string;
  readonly topic: string;
  /** Empty when the plugin gave none. */
  readonly dedupKey: string;
  readonly publishedAtNs: bigint;
  readonly envelope: Uint8Array;
}

/** A message as it is appended. */
export type LogEntry = Pick<EncodedMessage, 'topic' | 'publishedAtNs' | 'envelope'>;

export interface EncodedStoredMessage {
  readonly position: bigint;
  readonly envelope: Uint8Array;
}

/** What became of a message; the position of one that was a repeat is not told. */
export interface AppendedRow extends Appended {
  readonly position: bigint | undefined;
}

/** What the worker can be asked; each is done whole or not at all. The wall clock is the caller's, in milliseconds. */
export interface StoreCommands {
  reserve(args: { instanceId: string; start: Start; wallTimeMs: bigint }): bigint;
  ownerOf(args: { instanceId: string }): StoredOwner | undefined;
  activate(args: { owner: Owner }): { readonly draining: bigint | undefined };
  fence(args: { owner: Owner }): void;
  mayWrite(args: { owner: Owner }): boolean;
  append(args: { owner: Owner; messages: readonly EncodedMessage[]; wallTimeMs: bigint }): readonly AppendedRow[];
  read(args: { after: bigint; limit: number }): readonly EncodedStoredMessage[];
  /** Those of earlier versions of the schema come whatever their topic. */
  readMatching(args: {
    pattern: string;
    after: bigint;
    limit: number;
  }): Omit<MatchingMessages, 'messages'> & { readonly messages: readonly EncodedStoredMessage[] };
  get(args: { position: bigint }): EncodedStoredMessage | undefined;
  openSubscription(args: { owner: Owner; spec: SubscriptionSpec }): SubscriptionPosition;
  recordDelivery(args: {
    owner: Owner;
    name: string;
    positions: readonly bigint[];
    scannedTo: bigint;
  }): readonly bigint[];
  unacknowledged(args: SubscriptionKey): number;
  recordProgress(args: { owner: Owner; names: readonly string[]; scannedTo: bigint }): void;
  acknowledge(args: { owner: Owner; acknowledged: AcknowledgedPositions }): void;
  handBack(args: { owner: Owner; name: string; failed: readonly bigint[] }): void;
  retry(args: { owner: Owner; name: string; failed: readonly FailedDelivery[] }): ReadonlyMap<bigint, number>;
  deadLetter(args: { owner: Owner; name: string; position: bigint; letter: LogEntry }): bigint | undefined;
  subscriptions(
    args: Record<never, never>,
  ): readonly (SubscriptionKey & { readonly idleExpiryMs: number | undefined })[];
  dropSubscriptions(args: { keys: readonly SubscriptionKey[] }): number;
  backlogs(args: { countBytesAbove: number }): readonly Backlog[];
  keepNothingFor(args: { keys: readonly SubscriptionKey[] }): void;
  loadState(args: { instanceId: string }): StoredState | undefined;
  saveState(args: StateChange & { owner: Owner }): bigint;
  recordDecisions(args: { decisions: readonly GrantDecision[] }): void;
  decisions(args: Record<never, never>): readonly GrantDecision[];
}

export type CommandName = keyof StoreCommands;
export type CommandArgs<Name extends CommandName> = Parameters<StoreCommands[Name]>[0];
export type CommandResult<Name extends CommandName> = ReturnType<StoreCommands[Name]>;
export type Command = { [Name in CommandName]: { readonly name: Name; readonly args: CommandArgs<Name> } }[CommandName];

/** The commands that change nothing in the file, so that a group of them needs no transaction. */
export const readingCommands: ReadonlySet<CommandName> = new Set<CommandName>([
  'mayWrite',
  'ownerOf',
  'read',
  'readMatching',
  'get',
  'unacknowledged',
  'subscriptions',
  'backlogs',
  'keepNothingFor',
  'loadState',
  'decisions',
]);

/** The commands about ownership itself. Every other one that names an owner is refused unless its epoch may write. */
const ownershipCommands: ReadonlySet<CommandName> = new Set<CommandName>(['activate', 'fence', 'mayWrite']);

/** Whose command it is, so that it is refused when that epoch may not write; undefined when it is nobody's. */
export function writerOf({ name, args }: Command): Owner | undefined {
  return 'owner' in args && !ownershipCommands.has(name) ? args.owner : undefined;
}

/**
 * What makes room, or loses nothing by waiting: on a full disk it is done once there is room, and not refused. What is left
 * out is refused instead, since its caller can say so to somebody.
 */
export const waitingCommands: ReadonlySet<CommandName> = new Set<CommandName>([
  'fence',
  'openSubscription',
  'recordDelivery',
  'recordProgress',
  'acknowledge',
  'handBack',
  'retry',
  'dropSubscriptions',
]);

/** Why one command was not done; an error's class does not survive the way between threads. */
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
  /** Where a new log starts counting. */
  readonly firstPosition: bigint;
}

/** What the opening thread sends: commands that are committed together, or the order to copy or to close the file. */
export type ToWorker =
  | { readonly kind: 'commands'; readonly commands: readonly Command[] }
  /** To a file that does not exist; one copy at a time. */
  | { readonly kind: 'copy'; readonly to: string }
  | { readonly kind: 'close' };

/** What a person is to read when the file cannot be opened or relied on any more; the fields of a UserFacingError. */
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
  /** In the order of the commands; sent once they are on the disk. */
  | {
      readonly kind: 'answers';
      readonly answers: readonly Answer[];
      readonly committed: boolean;
      readonly isDiskFull: boolean;
    }
  | ({ readonly kind: 'copying' } & CopiedPages)
  /** `failure` says why there is no copy. */
  | { readonly kind: 'copied'; readonly failure: string | undefined };

/** How far a copy of the store is. */
export interface CopiedPages {
  readonly copied: number;
  readonly total: number;
}
