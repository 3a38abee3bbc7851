import { matchTopic } from '../../contract/wire/topics/topic.ts';
import type { Store, StoredMessage } from '../store/store.ts';
import { PatternIndex } from './pattern-index.ts';

/** Messages per store operation. */
const batchMessages = 256;
/** A read of more bytes than this may have stopped early, however few messages it returned. */
const fullReadBytes = 1024 * 1024;
/** The memory for the newest messages. */
const defaultHeldBytes = 8 * 1024 * 1024;
/** A message's memory beside its bytes. */
const messageOverheadBytes = 1_024;
/** After this much of the log without a delivery, a subscription's progress is recorded. */
const stretchBytes = 256 * 1024;

/** A subscription that follows the tail. */
export interface TailListener {
  readonly pattern: string;
  /** A message of the pattern was appended. Called in ascending order. */
  offer(position: bigint): void;
  /** Nothing more is offered until it joins again. */
  fallBehind(): void;
}

/** Has listeners whose patterns may match nothing for a long time. */
export interface Follower {
  /** Stores how far they have come. */
  recordProgress(): Promise<void>;
}

export interface LogTailOptions {
  readonly store: Pick<Store, 'read' | 'onAppend'>;
  /** Takes work that no caller waits for. */
  readonly inBackground?: (work: Promise<unknown>) => void;
  readonly heldBytes?: number;
}

/**
 * Follows the log once for all subscriptions of the bus. It offers each appended message to the subscriptions whose pattern matches, and
 * keeps the newest messages in memory for them. A subscription that cannot keep up reads the store itself and joins again later. The tail
 * also reads the store when it starts or has missed something.
 */
export class LogTail {
  readonly #options: LogTailOptions;
  readonly #heldBytesMax: number;
  readonly #stopListening: () => void;
  readonly #listeners = new Set<TailListener>();
  readonly #index = new PatternIndex<TailListener>();
  /** Ascending without gaps, up to `#position`. Those before `#firstHeld` are dropped. */
  #held: StoredMessage[] = [];
  #firstHeld = 0;
  #heldBytes = 0;
  #stretch = 0;
  readonly #followers = new Set<Follower>();
  /** The last position read. Undefined without listeners. */
  #position: bigint | undefined;
  #reading = false;
  #mayBeMore = false;

  constructor(options: LogTailOptions) {
    this.#options = options;
    this.#heldBytesMax = options.heldBytes ?? defaultHeldBytes;
    this.#stopListening = options.store.onAppend((added) => this.#added(added));
  }

  close(): void {
    this.#stopListening();
    this.#stop();
  }

  /** Everything up to here has been offered. 0 without listeners. */
  get position(): bigint {
    return this.#position ?? 0n;
  }

  /**
   * Starts to offer matching messages after a position, first those in memory. False if the messages after the position are not in memory.
   * The first listener must have read the log to its end.
   */
  join(listener: TailListener, after: bigint, isAtEnd: boolean): boolean {
    if (this.#position === undefined) {
      if (!isAtEnd) return false;
      this.#position = after;
      // Messages may have been appended since.
      void this.#read();
    }
    const heldFrom = this.#held[this.#firstHeld]?.position ?? this.#position + 1n;
    if (after + 1n < heldFrom) return false;
    this.#listeners.add(listener);
    this.#index.add(listener.pattern, listener);
    const skipped = after < this.#position ? Number(after + 1n - heldFrom) : this.#held.length - this.#firstHeld;
    for (const message of this.#held.slice(this.#firstHeld + skipped)) {
      if (matchTopic(listener.pattern, message.topic)) listener.offer(message.position);
    }
    return true;
  }

  leave(listener: TailListener): void {
    this.#listeners.delete(listener);
    this.#index.remove(listener.pattern, listener);
    if (this.#listeners.size === 0) this.#stop();
  }

  /** Undefined once it is dropped from memory. */
  get(position: bigint): StoredMessage | undefined {
    const index = this.#held.length - Number(this.position - position) - 1;
    return index < this.#firstHeld ? undefined : this.#held[index];
  }

  addFollower(follower: Follower): void {
    this.#followers.add(follower);
  }

  removeFollower(follower: Follower): void {
    this.#followers.delete(follower);
  }

  /** Stores how far all have come, so that a subscription without matches does not retain messages. */
  async recordProgress(): Promise<void> {
    await Promise.all([...this.#followers].map((follower) => follower.recordProgress()));
  }

  #added(messages: readonly StoredMessage[]): void {
    if (this.#position === undefined) return;
    const isNext = messages[0]?.position === this.#position + 1n;
    // While the store is read, its messages come first.
    if (this.#reading || !isNext) void this.#read();
    else this.#take(this.#position, messages);
  }

  async #read(): Promise<void> {
    this.#mayBeMore = true;
    if (this.#reading) return;
    this.#reading = true;
    try {
      while (this.#mayBeMore && this.#position !== undefined) {
        this.#mayBeMore = false;
        const after: bigint = this.#position;
        const messages = await this.#options.store.read(after, batchMessages);
        const bytes = messages.reduce((sum, message) => sum + message.envelope.bytes.length, 0);
        this.#mayBeMore ||= messages.length === batchMessages || bytes > fullReadBytes;
        this.#take(after, messages);
      }
    } catch {
      // Subscriptions that read the store themselves get the error.
      this.#loseAll();
    }
    this.#reading = false;
  }

  #take(after: bigint, messages: readonly StoredMessage[]): void {
    // All listeners may have left meanwhile, and others may have joined.
    if (after !== this.#position) {
      this.#mayBeMore = true;
      return;
    }
    const [first] = messages;
    if (first && first.position !== after + 1n) {
      this.#loseAll();
      return;
    }
    let bytes = 0;
    for (const message of messages) {
      bytes += message.envelope.bytes.length;
      this.#hold(message);
      for (const listener of this.#index.matching(message.topic)) listener.offer(message.position);
      // The last listener may have fallen behind.
      if (this.#listeners.size === 0) return;
    }
    this.#stretch += bytes;
    if (this.#stretch < stretchBytes) return;
    this.#stretch = 0;
    this.#options.inBackground?.(this.recordProgress());
  }

  #hold(message: StoredMessage): void {
    this.#position = message.position;
    this.#held.push(message);
    this.#heldBytes += message.envelope.bytes.length + messageOverheadBytes;
    for (; this.#heldBytes > this.#heldBytesMax; this.#firstHeld += 1) {
      this.#heldBytes -= (this.#held[this.#firstHeld]?.envelope.bytes.length ?? 0) + messageOverheadBytes;
    }
    // Splicing only when half is unused makes this constant time per message.
    if (this.#firstHeld > this.#held.length / 2) {
      this.#held.splice(0, this.#firstHeld);
      this.#firstHeld = 0;
    }
  }

  #loseAll(): void {
    for (const listener of [...this.#listeners]) listener.fallBehind();
    this.#stop();
  }

  #stop(): void {
    this.#position = undefined;
    this.#held = [];
    this.#firstHeld = 0;
    this.#heldBytes = 0;
  }
}
