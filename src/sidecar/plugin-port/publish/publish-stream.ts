import { sleep } from '../../../base/time/scheduler.ts';
import { messageOf } from '../../../base/user-facing-error.ts';
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
  const unanswered = new Set<Promise<void>>();
  for await (const batch of stream) {
    let taken = 0;
    for (const { clientSequence, request } of batchItems(batch)) {
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
      // Otherwise a plugin that publishes and does not read would use memory without limit.
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

  get waiting(): number {
    return this.#waiting.length;
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
