import type { MessageInitShape } from '@bufbuild/protobuf';
import { Gate } from '../../base/async/gate.ts';
import type { PublishResultSchema } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { MessageMeta } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import { encodedBytes } from '../envelope/stamp-envelope.ts';
import type { BusRecorder } from '../recorder.ts';
import { type NewMessage, type Owner, StaleEpochError, type Store, StoreFullError } from '../store/store.ts';
import { allWaitingMax, type WaitingPublishes } from './waiting-publishes.ts';

/**
 * What one session may have waiting for the store: twice what a sidecar's outbox holds unless it is set otherwise, so that
 * the heartbeats behind its publishes are read at once. Beyond it the session is not read on.
 */
export const waitingMax = { messages: 2_048, bytes: 16 * 1024 * 1024 } as const;

/** What one call of the store takes of one session, so that nobody waits long behind another's flood. */
export const batchMax = { messages: 256, bytes: 1024 * 1024 } as const;

/** Stands for what is remembered of a publish that is refused. */
const refusalBytes = 1_024;

type PublishResultInit = MessageInitShape<typeof PublishResultSchema>;

export interface SessionPublishesOptions {
  readonly owner: Owner;
  readonly store: Store;
  readonly recorder: Pick<BusRecorder, 'append'>;
  /** Of all sessions. */
  readonly waiting: WaitingPublishes;
  /** Told in the order of the publishes, with what is known of the message. */
  readonly answer: (result: PublishResultInit, meta: MessageMeta | undefined) => void;
  /** The store failed, so that the outcome of what waited is unknown. */
  readonly onFailure: (error: unknown) => void;
}

interface WaitingMessage {
  readonly bytes: number;
  readonly sequence: bigint;
  readonly meta: MessageMeta | undefined;
  /** What is to be stored, or why nothing is. */
  readonly publish: NewMessage | { readonly refusalReason: string };
}

/**
 * The publishes of one session on their way into the store, in the order they were sent, which their results keep too. One
 * call of the store is under way; what comes meanwhile is the next, so that it shares a commit the more, the slower the
 * store is, and so that every session has one turn in each round of the store.
 */
export class SessionPublishes {
  readonly #options: SessionPublishesOptions;
  readonly #room = new Gate(true);
  readonly #settled = new Gate(true);
  readonly #leave: () => void;
  #waiting: WaitingMessage[] = [];
  #held = { messages: 0, bytes: 0 };
  #over = false;

  constructor(options: SessionPublishesOptions) {
    this.#options = options;
    this.#leave = options.waiting.onChange(() => this.#room.set(!this.isFull));
  }

  /** Takes a message in to be stored. */
  add(message: NewMessage, bytes = encodedBytes(message.envelope)): void {
    this.#add({ sequence: message.sequence, bytes, meta: message.envelope.meta, publish: message });
  }

  /** Answers this one too in its turn. */
  refuse(sequence: bigint, refusalReason: string, meta: MessageMeta | undefined): void {
    this.#add({ sequence, bytes: refusalBytes, meta, publish: { refusalReason } });
  }

  /** Resolves when more may be taken in, or nothing will be any more. */
  room(): Promise<void> {
    return this.#room.opened();
  }

  /** Resolves when nothing waits for the store. */
  settled(): Promise<void> {
    return this.#settled.opened();
  }

  get isFull(): boolean {
    if (this.#over) return false;
    const { messages, bytes } = this.#held;
    const isShort = this.#options.waiting.isFull && bytes >= allWaitingMax.ownBytes;
    return isShort || messages >= waitingMax.messages || bytes >= waitingMax.bytes;
  }

  /**
   * Drops what the store was not asked to keep yet. A later session of the same epoch sends it again, and what came into the
   * store from here after that would come twice, once the sidecar has settled it.
   */
  close(): void {
    this.#over = true;
    for (const each of this.#waiting.splice(0)) this.#count(each, -1);
    this.#room.set(true);
    this.#leave();
  }

  #add(waiting: WaitingMessage): void {
    if (this.#over) return;
    this.#waiting.push(waiting);
    this.#count(waiting, 1);
    if (this.#settled.isOpen) void this.#storeAll();
  }

  async #storeAll(): Promise<void> {
    this.#settled.set(false);
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#nextBatch();
        const results = await this.#store(batch);
        for (const [index, result] of results.entries()) this.#options.answer(result, batch[index]?.meta);
        for (const each of batch) this.#count(each, -1);
      }
    } catch (error) {
      this.close();
      this.#options.onFailure(error);
    }
    this.#settled.set(true);
  }

  #nextBatch(): WaitingMessage[] {
    let messages = 0;
    let bytes = 0;
    for (const waiting of this.#waiting) {
      bytes += waiting.bytes;
      if (messages === batchMax.messages || (messages > 0 && bytes > batchMax.bytes)) break;
      messages += 1;
    }
    return this.#waiting.splice(0, messages);
  }

  async #store(batch: readonly WaitingMessage[]): Promise<PublishResultInit[]> {
    const toStore = batch.flatMap(({ publish }) => ('envelope' in publish ? [publish] : []));
    const stored = (await this.#append(toStore)).values();
    return batch.map(({ sequence, publish }) =>
      'envelope' in publish ? { sequence, ...stored.next().value } : { sequence, refusalReason: publish.refusalReason },
    );
  }

  async #append(messages: readonly NewMessage[]): Promise<PublishResultInit[]> {
    if (messages.length === 0) return [];
    const { store, owner, recorder } = this.#options;
    try {
      const appended = await recorder.append(store.append(owner, messages));
      return appended.map((each) => ({ accepted: true, ...each }));
    } catch (error) {
      if (error instanceof StaleEpochError) return messages.map(() => ({ refusalReason: error.message }));
      if (!(error instanceof StoreFullError)) throw error;
      if (messages.length === 1) return [{ refusalReason: error.message }];
    }
    // The store takes a batch whole or not at all; some of this one may fit, and repeats of what is stored always do.
    const results: PublishResultInit[] = [];
    for (const message of messages) results.push(...(await this.#append([message])));
    return results;
  }

  #count({ bytes }: WaitingMessage, sign: 1 | -1): void {
    this.#held = { messages: this.#held.messages + sign, bytes: this.#held.bytes + sign * bytes };
    this.#options.waiting.count(sign * bytes);
    this.#room.set(!this.isFull);
  }
}
