import { create } from '@bufbuild/protobuf';
import {
  ActivateReplySchema,
  DeregisterReplySchema,
  LoadStateReplySchema,
  RegisterReplySchema,
  SaveStateReplySchema,
} from '../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { limits } from '../contract/wire/limits.ts';
import { busMethods } from '../contract/wire/methods.ts';
import { busProtocolVersion } from '../contract/wire/protocol-version.ts';
import { type Network, type Route, serveStream, serveUnary, type TlsFiles } from '../transport/rpc.ts';
import { Bus, type BusOptions } from './bus.ts';

export interface ServeBusOptions extends BusOptions {
  readonly network: Network;
  /** `host:port`; port 0 binds a free one. */
  readonly address: string;
  readonly tls?: TlsFiles;
}

export interface RunningBus {
  /** The address that was really bound. */
  readonly address: string;
  close(): void;
}

/** Serves the Bus API until closed. @throws RpcError when the address cannot be bound. */
export async function serveBus(options: ServeBusOptions): Promise<RunningBus> {
  const bus = new Bus(options);
  const listening = options.network.listen(options.address, {
    routes: busRoutes(bus),
    maxMessageBytes: limits.messageBytes,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
  });
  // A bus that nobody can reach must not go on by its timers.
  listening.catch(() => bus.close());
  const listener = await listening;
  return {
    address: listener.address,
    close() {
      bus.close();
      listener.close();
    },
  };
}

function busRoutes(bus: Bus): Route[] {
  return [
    serveUnary(busMethods.register, async (request, { peer }) => {
      const { owner, leaseMs, deploymentId } = await bus.register(request, peer);
      return create(RegisterReplySchema, {
        protocolVersion: busProtocolVersion,
        epoch: owner.epoch,
        leaseMs,
        deploymentId,
      });
    }),
    serveStream(busMethods.session, (stream, { peer }) => bus.session(stream, peer)),
    serveUnary(busMethods.activate, async (request, { peer }) => {
      await bus.activate(request, peer);
      return create(ActivateReplySchema);
    }),
    serveUnary(busMethods.saveState, async (request, { peer }) =>
      create(SaveStateReplySchema, { revision: await bus.saveState(request, peer) }),
    ),
    serveUnary(busMethods.loadState, async (request, { peer }) => {
      const stored = await bus.loadState(request, peer);
      return create(LoadStateReplySchema, stored ? { found: true, ...stored } : {});
    }),
    serveUnary(busMethods.deregister, async (request, { peer }) => {
      await bus.deregister(request, peer);
      return create(DeregisterReplySchema);
    }),
  ];
}
