import type { Store, StoredMessage } from '../store/store.ts';
import type { LogTail, TailListener } from './log-tail.ts';

/** With more messages than this waiting, it leaves the tail. It reads the store again when it continues. */
const offeredMax = 1_024;

export interface LogReaderOptions {
  readonly store: Pick<Store, 'readMatching'>;
  readonly tail: LogTail;
  readonly pattern: string;
  /** There may be more to read. */
  readonly onMore: () => void;
}

/** Reads the messages of one pattern in the order of the log. While it is behind, it reads the store; then it follows the tail. */
export class LogReader implements TailListener {
  readonly pattern: string;
  readonly #options: LogReaderOptions;
  /** Everything up to here is taken, or does not match. */
  #cursor = 0n;
  /** Whether it follows the tail. */
  #isLive = false;
  /** Offered by the tail and not taken yet. */
  #offered: bigint[] = [];
  #closed = false;

  constructor(options: LogReaderOptions) {
    this.#options = options;
    this.pattern = options.pattern;
  }

  /** Everything up to here is taken by the last read, or does not match. */
  get cursor(): bigint {
    return this.#cursor;
  }

  /** Everything up to here is taken, or does not match, also of what came since the last read. */
  get doneTo(): bigint {
    if (!this.#isLive) return this.#cursor;
    const [next] = this.#offered;
    const doneTo = next === undefined ? this.#options.tail.position : next - 1n;
    return doneTo > this.#cursor ? doneTo : this.#cursor;
  }

  startAfter(cursor: bigint): void {
    this.#cursor = cursor;
  }

  offer(position: bigint): void {
    if (position <= this.#cursor) return;
    this.#offered.push(position);
    if (this.#offered.length > offeredMax) this.fallBehind();
    this.#options.onMore();
  }

  fallBehind(): void {
    if (!this.#isLive) return;
    this.#cursor = this.doneTo;
    this.#isLive = false;
    this.#offered = [];
    this.#options.tail.leave(this);
    this.#options.onMore();
  }

  close(): void {
    this.#closed = true;
    this.fallBehind();
  }

  /**
   * Gives the next messages to `take`, at most `most`, until it returns false: that one is given again. `missed` is the number of messages,
   * of any topic, that are no longer retained.
   */
  async read(
    most: number,
    take: (message: StoredMessage) => boolean,
  ): Promise<{ readonly missed: number; readonly mayBeMore: boolean }> {
    return this.#isLive ? this.#takeOffered(most, take) : await this.#catchUp(most, take);
  }

  #takeOffered(most: number, take: (message: StoredMessage) => boolean) {
    const { tail } = this.#options;
    let taken = 0;
    for (const position of this.#offered.slice(0, most)) {
      const message = tail.get(position);
      if (!message || !take(message)) break;
      taken += 1;
    }
    this.#offered.splice(0, taken);
    this.#cursor = this.doneTo;
    const [next] = this.#offered;
    if (next !== undefined && !tail.get(next)) this.fallBehind();
    return { missed: 0, mayBeMore: !this.#isLive || this.#offered.length > 0 };
  }

  async #catchUp(most: number, take: (message: StoredMessage) => boolean) {
    const { store, tail } = this.#options;
    const read = await store.readMatching(this.pattern, this.#cursor, most);
    const blocking = read.messages.find((message) => !take(message));
    this.#cursor = blocking ? blocking.position - 1n : read.cursor;
    // Joins before the messages are handled, which takes time, so that those published meanwhile are offered.
    if (!blocking && !this.#closed) {
      this.#isLive = true;
      if (!tail.join(this, this.#cursor, read.isAtEnd)) this.#isLive = false;
    }
    return { missed: read.missed, mayBeMore: true };
  }
}
