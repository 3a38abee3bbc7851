import type { PublishRequest } from '../contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { sidecarMethods } from '../contract/wire/methods.ts';
import type { Connection } from '../transport/rpc.ts';
import { RpcError } from '../transport/status.ts';
import type { DrainBudget } from './drain-budget.ts';
import { type PublishOutcome, publishOutcome } from './outcomes.ts';
import { PublishRoom } from './publish-room.ts';
import { PublishStream, streamedBytesMax } from './publish-stream.ts';

/** After these statuses it is unknown whether the sidecar accepted the message. */
const lostStatuses: ReadonlySet<string> = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'CANCELLED', 'UNKNOWN']);
/** A character takes up to three bytes for each unit of a string's length. */
const bytesOfUnit = 3;
/** More than what the other fields, and the tags and lengths of all, take. */
const framingBytes = 128;

/** Publishes over one stream for each connection. A large message gets a call of its own, so that it delays no other. */
export class Publisher {
  readonly #budget: DrainBudget;
  readonly #room = new PublishRoom();
  /** Those that wait for room included. */
  readonly #unanswered = new Set<Promise<unknown>>();
  #stream: PublishStream | undefined;

  constructor(budget: DrainBudget) {
    this.#budget = budget;
  }

  /**
   * Publishes one message and reports how it ended. If there is no room, it waits for its turn and asks `ready` for a connection then.
   * @throws RpcError when the sidecar refuses the call; UNAVAILABLE when nothing was sent.
   */
  async publish(
    connection: Connection,
    request: PublishRequest,
    ready: () => Promise<Connection>,
  ): Promise<PublishOutcome> {
    const bytesMax = byteBound(request);
    const answer = this.#room.take(bytesMax)
      ? this.#answerTo(connection, request, bytesMax)
      : this.#answerInTurn(ready, request, bytesMax);
    this.#unanswered.add(answer);
    try {
      return await answer;
    } finally {
      this.#unanswered.delete(answer);
    }
  }

  /** Resolves when everything published so far is answered, or the time to drain is over. */
  async drain(): Promise<void> {
    await Promise.allSettled(this.#unanswered);
  }

  async #answerInTurn(
    ready: () => Promise<Connection>,
    request: PublishRequest,
    bytesMax: number,
  ): Promise<PublishOutcome> {
    await this.#budget.bound(this.#room.turn(bytesMax));
    let connection: Connection;
    try {
      // The one from before the wait may be lost.
      connection = await ready();
    } catch (error) {
      this.#room.give(bytesMax);
      throw error;
    } finally {
      this.#room.endTurn();
    }
    return this.#answerTo(connection, request, bytesMax);
  }

  async #answerTo(connection: Connection, request: PublishRequest, bytesMax: number): Promise<PublishOutcome> {
    try {
      return await this.#budget.bound(this.#send(connection, request, bytesMax));
    } catch (error) {
      const failure = RpcError.from(error);
      if (!lostStatuses.has(failure.code)) throw failure;
      return { outcome: 'unknown', reason: failure.message };
    } finally {
      this.#room.give(bytesMax);
    }
  }

  async #send(connection: Connection, request: PublishRequest, bytesMax: number): Promise<PublishOutcome> {
    if (bytesMax > streamedBytesMax) {
      return publishOutcome(await connection.unary(sidecarMethods.publish, request));
    }
    if (!this.#stream?.isOpenOn(connection)) this.#stream = new PublishStream(connection);
    return this.#stream.publish(request, bytesMax);
  }
}

/** The most bytes that the request takes on the wire. */
function byteBound(request: PublishRequest): number {
  const { topic, payloadType, correlationId, causationId, dedupKey, partitionKey, schemaVersion } = request;
  const { traceparent, tracestate } = request;
  const ids = [topic, payloadType, correlationId, causationId, dedupKey, partitionKey];
  const texts = [...ids, schemaVersion, traceparent, tracestate];
  const units = texts.reduce((sum, { length }) => sum + length, 0);
  return request.payload.byteLength + units * bytesOfUnit + framingBytes;
}
