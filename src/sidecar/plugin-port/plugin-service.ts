import { create } from '../../contract/wire/codec/message.ts';
import { LoadStateReplySchema, SaveStateReplySchema } from '../../contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { pluginMethods } from '../../contract/wire/methods.ts';
import { publishItemwise } from '../../contract/wire/publish-items.ts';
import { type Route, serveStream, serveUnary } from '../../transport/rpc.ts';
import { consume } from './consume.ts';
import type { PluginPort } from './plugin-port.ts';
import { publishStream } from './publish/publish-stream.ts';
import { serveRequests } from './serve-requests.ts';

/** The services of the plugin's port beyond contract v1. */
export function pluginRoutes(port: PluginPort): Route[] {
  return [
    serveStream(pluginMethods.lifecycle, (stream) => port.lifecycle.serve(stream)),
    serveStream(publishItemwise, (stream) => publishStream(port, stream)),
    serveStream(pluginMethods.consume, (stream) => consume(port, stream)),
    serveStream(pluginMethods.serve, (stream) => serveRequests(port, stream)),
    serveUnary(pluginMethods.saveState, async ({ state, acknowledge }) => {
      port.admission.require();
      const acknowledged = acknowledge.map(({ subscription: name, positions }) => {
        return { name, group: port.subscriptions.groupOf(name), positions };
      });
      port.memory.outgoing.reserve(state.length);
      try {
        return create(SaveStateReplySchema, { revision: await port.state.save(state, acknowledged) });
      } finally {
        port.memory.outgoing.release(state.length);
      }
    }),
    serveUnary(pluginMethods.loadState, async () => {
      port.admission.require();
      return create(LoadStateReplySchema, await port.state.load());
    }),
  ];
}
