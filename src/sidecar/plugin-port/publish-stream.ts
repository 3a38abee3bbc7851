import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { messageOf } from '../../base/user-facing-error.ts';
import {
  type PublishBatch,
  type PublishItem,
  PublishOutcome,
  type PublishResultSchema,
  type PublishResults,
  PublishResultsSchema,
} from '../../contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import type { RpcStream } from '../../transport/rpc.ts';
import type { PluginPort } from './plugin-port.ts';
import { publishOnce } from './publish.ts';

type PublishStream = RpcStream<PublishBatch, PublishResults>;
type ResultInit = MessageInitShape<typeof PublishResultSchema>;

/** When so many results wait to be read by the plugin, its publishes are not read before it has. */
const unreadMax = 4_096;
/** What one message of results holds at most, far below what a message may. */
const resultsMax = 1_024;

/** Publishes what a stream brings and answers every item once, the results that are there already together. */
export async function publishStream(port: PluginPort, stream: PublishStream): Promise<void> {
  port.admission.require();
  const results = new ResultWriter(stream);
  const unanswered = new Set<Promise<void>>();
  for await (const { items } of stream) {
    for (const { clientSequence, request } of items) {
      const answered = publishResult(port, request)
        .then((result) => results.add({ clientSequence, ...result }))
        .finally(() => unanswered.delete(answered));
      unanswered.add(answered);
    }
    // A plugin that publishes and does not read would else be remembered without end.
    if (results.waiting >= unreadMax) await results.written();
  }
  await Promise.all(unanswered);
  await results.written();
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
