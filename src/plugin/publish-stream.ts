import { create } from '../contract/wire/codec/message.ts';
import {
  type PublishBatch,
  PublishBatchSchema,
  type PublishItem,
  PublishItemSchema,
  type PublishResult,
  type PublishResults,
} from '../contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import type { PublishRequest } from '../contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { limits } from '../contract/wire/limits.ts';
import { pluginMethods } from '../contract/wire/methods.ts';
import type { ClientStream, Connection } from '../transport/rpc.ts';
import { RpcError } from '../transport/status.ts';
import { type PublishOutcome, streamedOutcome } from './outcomes.ts';

/** What goes over the stream, and the most bytes of a batch. */
export const streamedBytesMax = 64 * 1024;

interface Waiting {
  readonly item: PublishItem;
  readonly bytes: number;
}

/**
 * The publishes of one connection, in their order. Those of one turn of the event loop leave in one batch, and so do those that
 * are made while a batch leaves.
 */
export class PublishStream {
  readonly #connection: Connection;
  readonly #stream: ClientStream<PublishResults, PublishBatch>;
  readonly #unanswered = new Map<bigint, PromiseWithResolvers<PublishOutcome>>();
  #waiting: Waiting[] = [];
  #isWriting = false;
  #lastSequence = 0n;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#stream = connection.stream(pluginMethods.publish);
    void this.#readAll();
  }

  /** Whether it is a stream of this connection and accepts publishes. */
  isOpenOn(connection: Connection): boolean {
    return connection === this.#connection && !this.#stream.over.aborted;
  }

  /**
   * Publishes one message, which takes up to so many bytes.
   * @throws RpcError when the sidecar refuses the request, or the stream fails before the answer.
   */
  publish(request: PublishRequest, bytes: number): Promise<PublishOutcome> {
    this.#lastSequence += 1n;
    const answer = Promise.withResolvers<PublishOutcome>();
    this.#unanswered.set(this.#lastSequence, answer);
    const item = create(PublishItemSchema, { clientSequence: this.#lastSequence, request });
    this.#waiting.push({ item, bytes });
    if (!this.#isWriting) void this.#writeAll();
    return answer.promise;
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    // What is published in the same turn leaves together.
    await Promise.resolve();
    while (this.#waiting.length > 0 && !this.#stream.over.aborted) {
      this.#stream.write(create(PublishBatchSchema, { items: this.#nextBatch() }));
      await this.#stream.drained();
    }
    this.#isWriting = false;
  }

  #nextBatch(): PublishItem[] {
    let batchBytes = 0;
    const past = this.#waiting.findIndex(({ bytes }, index) => {
      batchBytes += bytes;
      return index === limits.batchItems || batchBytes > streamedBytesMax;
    });
    const batch = this.#waiting.splice(0, past === -1 ? this.#waiting.length : past);
    return batch.map(({ item }) => item);
  }

  async #readAll(): Promise<void> {
    let failure = new RpcError('UNAVAILABLE', 'the sidecar ended the stream before it answered');
    try {
      for await (const { results } of this.#stream) {
        for (const result of results) {
          const answer = this.#unanswered.get(result.clientSequence);
          this.#unanswered.delete(result.clientSequence);
          if (answer) settle(answer, result);
        }
      }
    } catch (error) {
      failure = RpcError.from(error);
    }
    for (const { reject } of this.#unanswered.values()) reject(failure);
    this.#unanswered.clear();
  }
}

function settle({ resolve, reject }: PromiseWithResolvers<PublishOutcome>, result: PublishResult): void {
  try {
    resolve(streamedOutcome(result));
  } catch (error) {
    reject(error);
  }
}
