import { Gate } from '../../base/async/gate.ts';
import type { MessageInitShape } from '../../contract/wire/codec/message.ts';
import type { PublishResultSchema } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { MessageMeta } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import {
  type Appended,
  type NewMessage,
  type Owner,
  StaleEpochError,
  type Store,
  StoreFullError,
} from '../store/store.ts';
import type { BusTelemetry } from '../telemetry.ts';
import { allWaitingMax, type WaitingPublishes } from './waiting-publishes.ts';

/**
 * The most that one session may have waiting for the store: twice the default capacity of a sidecar's outbox, so that heartbeats behind its
 * publishes are read at once. At the limit the bus stops reading the session.
 */
export const waitingMax = { messages: 2_048, bytes: 16 * 1024 * 1024 } as const;

/** The most of one session in one call of the store, so that a flood does not delay other sessions for long. */
export const batchMax = { messages: 256, bytes: 1024 * 1024 } as const;

/** The memory kept for a refused publish. */
const refusalBytes = 1_024;

type PublishResultInit = MessageInitShape<typeof PublishResultSchema>;

export interface SessionPublishesOptions {
  readonly owner: Owner;
  readonly store: Store;
  readonly telemetry: Pick<BusTelemetry, 'append'>;
  /** Shared by all sessions. */
  readonly waiting: WaitingPublishes;
  /** Called in the order of the publishes, with the known metadata of the message. */
  readonly answer: (result: PublishResultInit, meta: MessageMeta | undefined) => void;
  /** The store failed, so the outcome of waiting publishes is unknown. */
  readonly onFailure: (error: unknown) => void;
}

interface WaitingMessage {
  readonly bytes: number;
  readonly sequence: bigint;
  readonly meta: MessageMeta | undefined;
  /** The message to store, or why it is refused. */
  readonly publish: NewMessage | { readonly refusalReason: string };
}

/**
 * Queues a session's publishes for the store; results keep the order. While one store call runs, arrivals form the next: a slower store
 * gets larger commits, and each session has one turn per round.
 */
export class SessionPublishes {
  readonly #options: SessionPublishesOptions;
  readonly #room = new Gate(true);
  readonly #settled = new Gate(true);
  readonly #leave: () => void;
  #waiting: WaitingMessage[] = [];
  #heldMessages = 0;
  #heldBytes = 0;
  #over = false;

  constructor(options: SessionPublishesOptions) {
    this.#options = options;
    this.#leave = options.waiting.onChange(() => this.#room.set(!this.isFull));
  }

  /** Queues a message for the store. */
  add(message: NewMessage): void {
    const { sequence, meta, envelope } = message;
    this.#add({ sequence, bytes: envelope.bytes.length, meta, publish: message });
  }

  /** Queues a refusal, so that it is answered in order. */
  refuse(sequence: bigint, refusalReason: string, meta: MessageMeta | undefined): void {
    this.#add({ sequence, bytes: refusalBytes, meta, publish: { refusalReason } });
  }

  /** Resolves when there is capacity, or after `close`. */
  room(): Promise<void> {
    return this.#room.opened();
  }

  /** Resolves when nothing waits for the store. */
  settled(): Promise<void> {
    return this.#settled.opened();
  }

  get isFull(): boolean {
    if (this.#over) return false;
    const bytes = this.#heldBytes;
    const isShort = this.#options.waiting.isFull && bytes >= allWaitingMax.ownBytes;
    return isShort || this.#heldMessages >= waitingMax.messages || bytes >= waitingMax.bytes;
  }

  /**
   * Drops publishes not yet passed to the store. The epoch's next session resends them. Storing them here after the sidecar settled them
   * would duplicate them.
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
    // What is read in the same turn goes to the store together.
    await Promise.resolve();
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#nextBatch();
        await this.#store(batch);
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

  /** Stores what is not refused, and answers all in order. */
  async #store(batch: readonly WaitingMessage[]): Promise<void> {
    const messages: NewMessage[] = [];
    for (const { publish } of batch) if ('envelope' in publish) messages.push(publish);
    const stored = await this.#append(messages);
    let next = 0;
    for (const { sequence, meta, publish } of batch) {
      if ('envelope' in publish) {
        this.#options.answer(resultOf(sequence, stored[next]), meta);
        next += 1;
      } else {
        this.#options.answer({ sequence, refusalReason: publish.refusalReason }, meta);
      }
    }
  }

  /** The outcome of each message: that of the store, or its reason for a refusal. */
  async #append(messages: readonly NewMessage[]): Promise<readonly (Appended | string)[]> {
    if (messages.length === 0) return [];
    const { store, owner, telemetry } = this.#options;
    try {
      return await telemetry.append(store.append(owner, messages));
    } catch (error) {
      if (error instanceof StaleEpochError) return messages.map(() => error.message);
      if (!(error instanceof StoreFullError)) throw error;
      if (messages.length === 1) return [error.message];
    }
    // The store takes a batch whole or not at all. Single messages may still fit, and repeats of stored ones always do.
    const outcomes: (Appended | string)[] = [];
    for (const message of messages) outcomes.push(...(await this.#append([message])));
    return outcomes;
  }

  #count({ bytes }: WaitingMessage, sign: 1 | -1): void {
    this.#heldMessages += sign;
    this.#heldBytes += sign * bytes;
    this.#options.waiting.count(sign * bytes);
    this.#room.set(!this.isFull);
  }
}

function resultOf(sequence: bigint, outcome: Appended | string | undefined): PublishResultInit {
  if (typeof outcome === 'object') {
    return { sequence, accepted: true, messageId: outcome.messageId, duplicate: outcome.duplicate };
  }
  return { sequence, refusalReason: outcome ?? 'the store gave no outcome' };
}
