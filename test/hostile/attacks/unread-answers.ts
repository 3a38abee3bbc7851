import { create } from '../../../src/contract/wire/codec/message.ts';
import {
  LoadStateRequestSchema as BusLoadStateRequestSchema,
  SaveStateRequestSchema as BusSaveStateRequestSchema,
} from '../../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { SaveStateRequestSchema } from '../../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { limits } from '../../../src/contract/wire/limits.ts';
import { busMethods, pluginMethods, sidecarMethods } from '../../../src/contract/wire/methods.ts';
import { grpcNetwork } from '../../../src/transport/grpc/network.ts';
import { RawSession } from '../../bus/raw-session.ts';
import {
  callHeaders,
  data,
  headers,
  message,
  preface,
  settings,
  windowUpdate,
} from '../../transport/http2/raw-frames.ts';
import { RawPeer } from '../../transport/http2/raw-peer.ts';
import type { Attack } from '../attack.ts';
import { whileServed, withPeer } from '../while-served.ts';

const state = new Uint8Array(limits.stateBytes - 100).fill(1);
const noWindow = [preface, settings({ initialWindowSize: 0 })];
/** Takes whole answers, as far as windows go. */
const endlessWindow = [preface, settings({ initialWindowSize: 2 ** 31 - 1 }), windowUpdate(0, 2 ** 31 - 1 - 65_535)];

/** Many times the same unary call, on streams of one connection. */
function calls(path: string, request: Uint8Array, count: number, from = 0): Buffer {
  const opening = callHeaders(path);
  const body = message(request);
  return Buffer.concat(
    Array.from({ length: count }, (_, index) => 2 * (from + index) + 1).flatMap((id) => [
      headers(id, opening),
      data(id, body, { end: true }),
    ]),
  );
}

async function savePluginState(address: string): Promise<void> {
  const connection = await grpcNetwork.connect(address, { timeoutMs: 5_000, maxMessageBytes: 2 ** 21 });
  await connection.unary(pluginMethods.saveState, create(SaveStateRequestSchema, { state }));
  connection.close();
}

export const attacks: readonly Attack[] = [
  {
    name: '400 answers of 1 MiB on each of two connections that open no window',
    target: 'sidecar',
    async run({ sidecar, honest }) {
      await savePluginState(sidecar.address);
      const peers = await Promise.all([1, 2].map(() => RawPeer.connect(sidecar.address, { first: noWindow })));
      for (const peer of peers) {
        peer.discard();
        peer.send(calls(pluginMethods.loadState.path, Buffer.alloc(0), 400));
      }
      await honest.rounds(10);
      for (const peer of peers) peer.close();
    },
  },
  {
    name: '400 answers of 1 MiB on each of two connections that open all windows and read nothing',
    target: 'sidecar',
    async run({ sidecar, honest }) {
      await savePluginState(sidecar.address);
      const peers = await Promise.all([1, 2].map(() => RawPeer.connect(sidecar.address, { first: endlessWindow })));
      for (const peer of peers) {
        peer.hold();
        peer.send(calls(pluginMethods.loadState.path, Buffer.alloc(0), 400));
      }
      await honest.rounds(10);
      for (const peer of peers) peer.close();
    },
  },
  {
    name: '60 answers of 1 MiB on each of 16 connections that open no window',
    target: 'bus',
    busFlags: () => ['--lease', '1h'],
    async run({ bus, honest }) {
      const session = await RawSession.open(bus.address, 'oms-9', 'OMSPool');
      await session.connection.unary(
        busMethods.saveState,
        create(BusSaveStateRequestSchema, { ...session.owner, state }),
      );
      const request = busMethods.loadState.request.encode(create(BusLoadStateRequestSchema, session.owner));
      const opened = Array.from({ length: 16 }, () => RawPeer.connect(bus.address, { first: noWindow }));
      const peers = await Promise.all(opened);
      for (const peer of peers) {
        peer.discard();
        peer.send(calls(busMethods.loadState.path, request, 60));
      }
      await honest.rounds(10);
      for (const peer of peers) peer.close();
      session.close();
    },
  },
  {
    name: 'heartbeats without end on 4 connections that read no answer',
    target: 'sidecar',
    async run({ sidecar, honest }) {
      const flood = async (peer: RawPeer, over: AbortSignal): Promise<void> => {
        peer.hold();
        const { path } = sidecarMethods.heartbeat;
        await peer.flood((index) => calls(path, Buffer.alloc(0), 100, 100 * index), over);
      };
      await whileServed(
        honest,
        { rounds: 10, attackers: 4 },
        withPeer(sidecar.address, flood, { first: endlessWindow }),
      );
    },
  },
];
