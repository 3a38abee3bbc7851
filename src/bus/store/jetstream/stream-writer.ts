import { type Scheduler, sleep } from '../../../base/time/scheduler.ts';
import { messageOf } from '../../../base/user-facing-error.ts';
import { JetStreamError, jetStreamCodes, permissionFault, StreamTaken, writeFailed } from './nats-fault.ts';
import { decodeRecord, encodeRecord } from './record-text.ts';
import type { Stream, StreamWrite } from './stream.ts';

export interface StreamWriterOptions {
  readonly stream: Stream;
  /** The subject of the writer's record. */
  readonly subject: string;
  /** Different for every start of a bus. */
  readonly writerId: string;
  readonly scheduler: Scheduler;
  /** The stream did not take or answer a write, which is tried again. Called once until one is stored. */
  readonly onWait: (reason: string) => void;
}

/** What the writer's record says. */
interface WriterFields {
  readonly writer: string;
  readonly batch: number;
}

const retryAfterMs = 250;
/** A server that is cut off from the others answers pings and stores nothing, so after this it is another one's turn. */
const moveAfterMs = 4_000;
/** A check of the subject is in flight, which takes some milliseconds. */
const busyAfterMs = 20;

/** Answers that time may change, beside every one that says that the stream is not available. */
const passing: ReadonlySet<number> = new Set([jetStreamCodes.batchIncomplete, jetStreamCodes.tooManyBatches]);
const notAvailable = 503;

/**
 * Writes a stream as its only writer. Every batch rewrites the writer's record on the condition that this writer wrote it last. So a
 * batch of an earlier writer is refused, whenever it arrives, and one that is sent twice is stored once.
 */
export class StreamWriter {
  readonly #options: StreamWriterOptions;
  /** The sequence of the writer's record. */
  #fence = 0;
  #batch = 0;
  #isWaiting = false;
  /** When the wait began, or the connection moved on during it. */
  #movedMs = 0;

  constructor(options: StreamWriterOptions) {
    this.#options = options;
  }

  /** Ends the right of every earlier writer. Resolves with a sequence: a reader that has read up to it has read all that was stored before. */
  async takeOver(): Promise<number> {
    const { stream } = this.#options;
    for (;;) {
      try {
        this.#fence = await stream.writeOne(this.#record([]));
        return this.#fence;
      } catch (error) {
        await this.#wait(error);
      }
    }
  }

  /**
   * The same, unless somebody has written since the record with this sequence; 0 stands for none. Resolves with undefined if so.
   * @throws UserFacingError
   */
  async takeOverAfter(sequence: number): Promise<number | undefined> {
    this.#fence = sequence;
    try {
      await this.write([]);
      return this.#fence;
    } catch (error) {
      if (error instanceof StreamTaken) return undefined;
      throw error;
    }
  }

  /**
   * Stores all or none, and sends them again unchanged until that is known. Resolves with the sequence of the first one.
   * @throws UserFacingError if another writer took over, or the stream can never take the batch
   */
  async write(writes: readonly StreamWrite[]): Promise<number> {
    const { stream, writerId } = this.#options;
    this.#batch += 1;
    for (let attempt = 1; ; attempt += 1) {
      const condition = ['Nats-Expected-Last-Subject-Sequence', `${this.#fence}`] as const;
      try {
        const id = `${writerId}-${this.#batch}-${attempt}`;
        const last = await stream.write(id, [this.#record([condition]), ...writes]);
        return this.#stored(last - writes.length);
      } catch (error) {
        const stored = await this.#outcomeOf(error);
        if (stored !== undefined) return this.#stored(stored);
      }
    }
  }

  #stored(fence: number): number {
    this.#fence = fence;
    this.#isWaiting = false;
    return fence + 1;
  }

  #record(headers: StreamWrite['headers']): StreamWrite {
    const { subject, writerId: writer } = this.#options;
    const fields: WriterFields = { writer, batch: this.#batch };
    return { subject, data: encodeRecord({ fields }), headers: [...headers, ['Nats-Rollup', 'sub']] };
  }

  /** The sequence under which the batch was stored. Undefined: it must be sent again. */
  async #outcomeOf(error: unknown): Promise<number | undefined> {
    const { scheduler, stream } = this.#options;
    if (error instanceof JetStreamError) {
      if (error.code === jetStreamCodes.wrongLastSequence) return this.#judge(error);
      if (error.code === jetStreamCodes.lastSequenceUnknown) {
        await sleep(scheduler, busyAfterMs);
        return undefined;
      }
      if (error.status !== notAvailable && !passing.has(error.code)) throw writeFailed(stream.name, error);
    }
    await this.#wait(error);
    return undefined;
  }

  /** Who wrote the record that was not the expected one. Its sequence is in the refusal, and what has a sequence never changes. */
  async #judge(refusal: JetStreamError): Promise<number | undefined> {
    const { stream, writerId } = this.#options;
    const sequence = Number(/sequence: (\d+)/.exec(refusal.message)?.[1]);
    // A leader that is none any more answers from the past.
    if (!(sequence > this.#fence)) {
      await this.#wait(refusal);
      return undefined;
    }
    const found = await stream.get(sequence).catch(() => undefined);
    if (!found) {
      // A replica that lags has it later. One that was rewritten since is gone, and the next refusal names its successor.
      await this.#wait(refusal);
      return undefined;
    }
    const { writer, batch } = decodeRecord(found.data).fields as WriterFields;
    if (writer !== writerId) throw new StreamTaken(stream.name);
    if (batch === this.#batch) return sequence;
    // A taking over that was sent twice.
    this.#fence = sequence;
    return undefined;
  }

  async #wait(error: unknown): Promise<void> {
    const denied = permissionFault(error);
    if (denied) throw denied;
    const { scheduler, stream, onWait } = this.#options;
    const nowMs = scheduler.nowMs();
    if (!this.#isWaiting) {
      onWait(messageOf(error));
      this.#movedMs = nowMs;
    }
    this.#isWaiting = true;
    if (nowMs - this.#movedMs >= moveAfterMs) {
      this.#movedMs = nowMs;
      await stream.reconnect();
    }
    await sleep(scheduler, retryAfterMs);
  }
}
