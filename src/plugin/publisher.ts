import type { PublishRequest } from '../contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { sidecarMethods } from '../contract/wire/methods.ts';
import type { Connection } from '../transport/rpc.ts';
import { RpcError } from '../transport/status.ts';
import type { DrainBudget } from './drain-budget.ts';
import { type PublishOutcome, publishOutcome } from './outcomes.ts';
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
  readonly #unanswered = new Set<Promise<unknown>>();
  #stream: PublishStream | undefined;

  constructor(budget: DrainBudget) {
    this.#budget = budget;
  }

  /** Publishes one message and reports how it ended. @throws RpcError when the sidecar refuses the call. */
  async publish(connection: Connection, request: PublishRequest): Promise<PublishOutcome> {
    const answer = this.#budget.bound(this.#send(connection, request));
    this.#unanswered.add(answer);
    try {
      return await answer;
    } catch (error) {
      const failure = RpcError.from(error);
      if (!lostStatuses.has(failure.code)) throw failure;
      return { outcome: 'unknown', reason: failure.message };
    } finally {
      this.#unanswered.delete(answer);
    }
  }

  /** Resolves when everything published so far is answered, or the time to drain is over. */
  async drain(): Promise<void> {
    await Promise.allSettled(this.#unanswered);
  }

  async #send(connection: Connection, request: PublishRequest): Promise<PublishOutcome> {
    const bytesMax = byteBound(request);
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
