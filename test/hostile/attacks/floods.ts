import { busMethods, healthMethods } from '../../../src/contract/wire/methods.ts';
import {
  callHeaders,
  data,
  frame,
  headers,
  message,
  ping,
  priority,
  reset,
  settings,
  windowUpdate,
} from '../../transport/http2/raw-frames.ts';
import type { RawPeer } from '../../transport/http2/raw-peer.ts';
import type { Attack } from '../attack.ts';
import { whileServed, withPeer } from '../while-served.ts';

const time = { rounds: 10, attackers: 4 };
/** Frames of one write. */
const together = 1_000;
const block = callHeaders(healthMethods.watch.path);

function many(bytes: Buffer): Buffer {
  return Buffer.concat(Array.from({ length: together }, () => bytes));
}

/** A flood on the stream that a connection opened first. */
function onStream(bytes: Buffer): (peer: RawPeer, over: AbortSignal) => Promise<void> {
  return async (peer, over) => {
    peer.send(headers(1, block));
    await peer.flood(() => bytes, over);
  };
}

function flood(name: string, attack: (peer: RawPeer, over: AbortSignal) => Promise<void>): Attack {
  return {
    name,
    target: 'sidecar',
    async run({ sidecar, honest }) {
      await whileServed(honest, time, withPeer(sidecar.address, attack));
    },
  };
}

/** Calls that are reset at once, in one write for many of them. */
function resets(path: string, calls = 200) {
  return async (peer: RawPeer, over: AbortSignal): Promise<void> => {
    const opening = callHeaders(path);
    await peer.flood((index) => {
      const first = index * calls;
      const ids = Array.from({ length: calls }, (_, call) => 2 * (first + call) + 1);
      return Buffer.concat(ids.flatMap((id) => [headers(id, opening), reset(id)]));
    }, over);
  };
}

export const attacks: readonly Attack[] = [
  flood('calls that are reset as soon as they begin, without end, on 4 connections', resets(healthMethods.watch.path)),
  {
    name: 'calls that are reset as soon as they begin, without end, on 4 connections',
    target: 'bus',
    async run({ bus, honest }) {
      await whileServed(honest, time, withPeer(bus.address, resets(busMethods.session.path)));
    },
  },
  flood('SETTINGS and PINGs without end, on 4 connections', async (peer, over) => {
    const bytes = many(Buffer.concat([settings({ initialWindowSize: 65_535 }), ping()]));
    await peer.flood(() => bytes, over);
  }),
  flood('SETTINGS and PINGs without end, on 4 connections that read no answer', async (peer, over) => {
    peer.hold();
    const bytes = many(Buffer.concat([settings(), ping()]));
    await peer.flood(() => bytes, over);
  }),
  flood(
    'empty DATA, window updates by 1, priorities and unknown frames without end, on 4 connections',
    onStream(many(Buffer.concat([data(1), windowUpdate(1, 1), windowUpdate(0, 1), priority(3, 1), frame(0xfa)]))),
  ),
  flood(
    'messages of no byte without end to a stream of the plugin port, on 4 connections',
    onStream(many(data(1, message(Buffer.alloc(0))))),
  ),
];
