import { Gate } from '../../../base/async/gate.ts';
import { forEachReady } from '../../../base/async/ready-iterator.ts';
import { sleep } from '../../../base/time/scheduler.ts';
import { create, type MessageInitShape } from '../../../contract/wire/codec/message.ts';
import {
  type PublishItem,
  PublishOutcome,
  type PublishResultSchema,
  type PublishResults,
  PublishResultsSchema,
} from '../../../contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { limits } from '../../../contract/wire/limits.ts';
import { publishItemwise, type ReadBatch } from '../../../contract/wire/publish-items.ts';
import { undecodable } from '../../../transport/message.ts';
import type { RpcStream } from '../../../transport/rpc.ts';
import { RpcError, statusCodes } from '../../../transport/status.ts';
import type { PluginPort } from '../plugin-port.ts';
import { publishOnce } from './publish.ts';

type PublishStream = RpcStream<ReadBatch, PublishResults>;
type ResultInit = MessageInitShape<typeof PublishResultSchema>;

/** While so many results wait for the plugin to read them, its publishes are not read. */
const unreadMax = 4_096;
/** The most results in one message, far below the size limit of a message. */
const resultsMax = 1_024;
/** After so many items of a batch others get a turn: probes, answers, other streams. */
const itemsPerStep = 256;

/** Publishes the messages of a stream and answers each once. Results that are ready are sent together. */
export async function publishStream(port: PluginPort, stream: PublishStream): Promise<void> {
  port.admission.require();
  const results = new ResultWriter(stream);
  const allAnswered = new Gate(true);
  let unanswered = 0;
  const publish = async ({ clientSequence, request }: PublishItem): Promise<void> => {
    unanswered += 1;
    allAnswered.set(false);
    results.add(await publishResult(port, clientSequence, request));
    unanswered -= 1;
    allAnswered.set(unanswered === 0);
  };
  const takeBatch = (batch: ReadBatch): Promise<void> | undefined => {
    const items = batchItems(batch);
    let taken = 0;
    const takeStep = (): Promise<void> | undefined => {
      for (let next = items.next(); !next.done; next = items.next()) {
        taken += 1;
        if (taken > limits.batchItems) results.add({ clientSequence: next.value.clientSequence, ...pastLimit });
        else void publish(next.value);
        if (taken % itemsPerStep === 0) return othersTurn(port, results).then(takeStep);
      }
      return results.isFull ? results.written() : undefined;
    };
    return takeStep();
  };
  await forEachReady(stream[Symbol.asyncIterator](), takeBatch);
  await allAnswered.opened();
  await results.written();
}

async function othersTurn({ scheduler }: PluginPort, results: ResultWriter): Promise<void> {
  await sleep(scheduler, 0);
  if (results.isFull) await results.written();
}

const pastLimit: ResultInit = {
  outcome: PublishOutcome.REFUSED,
  refusalReason: `RESOURCE_EXHAUSTED: the batch has more items than the limit of ${limits.batchItems}, and this is one past it`,
};

/** @throws RpcError INTERNAL where the bytes are not a batch */
function* batchItems({ items, byteLength }: ReadBatch): Generator<PublishItem> {
  try {
    yield* items;
  } catch (cause) {
    throw undecodable(publishItemwise.path, byteLength, cause);
  }
}

/** Writes all ready results once the message before has left, so that a busy stream needs fewer messages. */
class ResultWriter {
  readonly #stream: PublishStream;
  #waiting: ResultInit[] = [];
  #writing: Promise<void> | undefined;

  constructor(stream: PublishStream) {
    this.#stream = stream;
  }

  /** Whether to read no more publishes. A plugin that publishes and does not read would otherwise use memory without limit. */
  get isFull(): boolean {
    return this.#waiting.length >= unreadMax;
  }

  add(result: ResultInit): void {
    this.#waiting.push(result);
    this.#writing ??= this.#writeAll();
  }

  /** Resolves when the transport has sent everything, or the stream has ended. */
  async written(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    // Results of the same turn are sent together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      this.#stream.write(create(PublishResultsSchema, { results: this.#waiting.splice(0, resultsMax) }));
      await this.#stream.drained();
    }
    this.#writing = undefined;
  }
}

async function publishResult(
  port: PluginPort,
  clientSequence: bigint,
  request: PublishItem['request'],
): Promise<ResultInit> {
  if (!request) {
    return { clientSequence, outcome: PublishOutcome.REFUSED, refusalReason: 'the item has no request' };
  }
  try {
    const outcome = await publishOnce(port, request);
    if (outcome.kind === 'accepted') {
      const { messageId, duplicate } = outcome;
      return { clientSequence, outcome: PublishOutcome.ACCEPTED, messageId, duplicate };
    }
    const isUnknown = outcome.kind === 'unknown';
    return {
      clientSequence,
      outcome: isUnknown ? PublishOutcome.UNKNOWN : PublishOutcome.REFUSED,
      refusalReason: outcome.reason,
    };
  } catch (error) {
    const { code, message: refusalReason } = RpcError.from(error);
    return { clientSequence, outcome: PublishOutcome.REFUSED, refusalReason, statusCode: statusCodes.indexOf(code) };
  }
}
