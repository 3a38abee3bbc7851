import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { sleep } from '../../../base/time/scheduler.ts';
import { messageOf } from '../../../base/user-facing-error.ts';
import {
  type PublishItem,
  PublishOutcome,
  type PublishResultSchema,
  type PublishResults,
  PublishResultsSchema,
} from '../../../contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { limits } from '../../../contract/wire/limits.ts';
import type { ReadBatch } from '../../../contract/wire/publish-items.ts';
import type { RpcStream } from '../../../transport/rpc.ts';
import { RpcError } from '../../../transport/status.ts';
import type { PluginPort } from '../plugin-port.ts';
import { publishOnce } from './publish.ts';

type PublishStream = RpcStream<ReadBatch, PublishResults>;
type ResultInit = MessageInitShape<typeof PublishResultSchema>;

/** When so many results wait to be read by the plugin, its publishes are not read before it has. */
const unreadMax = 4_096;
/** What one message of results holds at most, far below what a message may. */
const resultsMax = 1_024;
/** After so many items of a batch everything else has its turn: probes, answers, other streams. */
const itemsPerStep = 256;

/** Publishes what a stream brings and answers every item once, the results that are there already together. */
export async function publishStream(port: PluginPort, stream: PublishStream): Promise<void> {
  port.admission.require();
  const results = new ResultWriter(stream);
  const unanswered = new Set<Promise<void>>();
  for await (const { items } of stream) {
    let taken = 0;
    for (const { clientSequence, request } of batchItems(items)) {
      taken += 1;
      if (taken > limits.batchItems) {
        results.add({ clientSequence, ...pastLimit });
      } else {
        const answered = publishResult(port, request)
          .then((result) => results.add({ clientSequence, ...result }))
          .finally(() => unanswered.delete(answered));
        unanswered.add(answered);
      }
      if (taken % itemsPerStep > 0) continue;
      await sleep(port.scheduler, 0);
      // A plugin that publishes and does not read would else be remembered without end.
      if (results.waiting >= unreadMax) await results.written();
    }
    if (results.waiting >= unreadMax) await results.written();
  }
  await Promise.all(unanswered);
  await results.written();
}

const pastLimit: ResultInit = {
  outcome: PublishOutcome.REFUSED,
  refusalReason: `RESOURCE_EXHAUSTED: the batch has more items than the limit of ${limits.batchItems}, and this is one past it`,
};

/** @throws RpcError INVALID_ARGUMENT where the bytes are no batch any more */
function* batchItems(items: Iterable<PublishItem>): Generator<PublishItem> {
  try {
    yield* items;
  } catch (cause) {
    throw new RpcError('INVALID_ARGUMENT', 'a PublishBatch could not be decoded', { cause });
  }
}

/** Writes what is there as soon as the message before has left, so that a busy stream needs fewer messages. */
class ResultWriter {
  readonly #stream: PublishStream;
  #waiting: ResultInit[] = [];
  #writing: Promise<void> | undefined;

  constructor(stream: PublishStream) {
    this.#stream = stream;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  add(result: ResultInit): void {
    this.#waiting.push(result);
    this.#writing ??= this.#writeAll();
  }

  /** Resolves when the transport has passed on everything, or the stream is over. */
  async written(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    // What is answered in the same turn goes together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      this.#stream.write(create(PublishResultsSchema, { results: this.#waiting.splice(0, resultsMax) }));
      await this.#stream.drained();
    }
    this.#writing = undefined;
  }
}

async function publishResult(port: PluginPort, request: PublishItem['request']): Promise<ResultInit> {
  if (!request) return { outcome: PublishOutcome.REFUSED, refusalReason: 'the item has no request' };
  try {
    const outcome = await publishOnce(port, request);
    if (outcome.kind === 'accepted') {
      return { outcome: PublishOutcome.ACCEPTED, messageId: outcome.messageId, duplicate: outcome.duplicate };
    }
    const isUnknown = outcome.kind === 'unknown';
    return { outcome: isUnknown ? PublishOutcome.UNKNOWN : PublishOutcome.REFUSED, refusalReason: outcome.reason };
  } catch (error) {
    return { outcome: PublishOutcome.REFUSED, refusalReason: messageOf(error) };
  }
}
