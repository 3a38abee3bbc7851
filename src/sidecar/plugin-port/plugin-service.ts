import { create } from '@bufbuild/protobuf';
import { messageOf } from '../../base/user-facing-error.ts';
import {
  LoadStateReplySchema,
  type PublishBatch,
  type PublishItem,
  PublishOutcome,
  type PublishResults,
  PublishResultsSchema,
  SaveStateReplySchema,
} from '../../contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { pluginMethods } from '../../contract/wire/methods.ts';
import { type Route, type RpcStream, serveStream, serveUnary } from '../../transport/rpc.ts';
import { consume } from './consume.ts';
import type { PluginPort } from './plugin-port.ts';
import { publishOnce } from './publish.ts';
import { serveRequests } from './serve-requests.ts';

/** What the plugin's port offers beyond contract v1. */
export function pluginRoutes(port: PluginPort): Route[] {
  return [
    serveStream(pluginMethods.lifecycle, (stream) => port.lifecycle.serve(stream)),
    serveStream(pluginMethods.publish, (stream) => publishStream(port, stream)),
    serveStream(pluginMethods.consume, (stream) => consume(port, stream)),
    serveStream(pluginMethods.serve, (stream) => serveRequests(port, stream)),
    serveUnary(pluginMethods.saveState, async ({ state, acknowledge }) => {
      port.admission.require();
      const positions = acknowledge.map(({ subscription, positions }) => ({ name: subscription, positions }));
      return create(SaveStateReplySchema, { revision: await port.state.save(state, positions) });
    }),
    serveUnary(pluginMethods.loadState, async () => {
      port.admission.require();
      return create(LoadStateReplySchema, await port.state.load());
    }),
  ];
}

async function publishStream(port: PluginPort, stream: RpcStream<PublishBatch, PublishResults>): Promise<void> {
  port.admission.require();
  const unanswered = new Set<Promise<void>>();
  for await (const { items } of stream) {
    for (const item of items) {
      const answered = publishItem(port, stream, item).finally(() => unanswered.delete(answered));
      unanswered.add(answered);
    }
  }
  await Promise.all(unanswered);
}

async function publishItem(
  port: PluginPort,
  stream: RpcStream<PublishBatch, PublishResults>,
  { clientSequence, request }: PublishItem,
): Promise<void> {
  const result = await publishResult(port, request);
  stream.write(create(PublishResultsSchema, { results: [{ clientSequence, ...result }] }));
}

async function publishResult(port: PluginPort, request: PublishItem['request']) {
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
