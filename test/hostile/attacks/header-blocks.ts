import { healthMethods } from '../../../src/contract/wire/methods.ts';
import { callHeaders, continuation, headers, indexed, inserted, literal } from '../../transport/http2/raw-frames.ts';
import type { RawPeer } from '../../transport/http2/raw-peer.ts';
import type { Attack } from '../attack.ts';
import { whileServed, withPeer } from '../while-served.ts';

const time = { rounds: 10, attackers: 4 };
const block = callHeaders(healthMethods.watch.path);
/** One field of some 16 kB, which is a frame of its own. */
const field = literal('x-padding', 'a'.repeat(16_000));
/** An entry that fills the dynamic table, and a frame that names it 16,000 times: 64 MB of headers. */
const entry = inserted('x-bomb', 'b'.repeat(4_000));
const references = Buffer.concat(Array.from({ length: 16_000 }, () => indexed(62)));

function attack(name: string, run: (peer: RawPeer, over: AbortSignal) => Promise<void>): Attack {
  return {
    name,
    target: 'sidecar',
    async run({ sidecar, honest }) {
      await whileServed(honest, time, withPeer(sidecar.address, run));
    },
  };
}

export const attacks: readonly Attack[] = [
  attack('a header block of CONTINUATION frames of 16 kB without end, on 4 connections', async (peer, over) => {
    peer.send(headers(1, block, { more: true }));
    const more = continuation(1, field, { more: true });
    await peer.flood(() => more, over);
  }),
  attack('a header block of empty CONTINUATION frames without end, on 4 connections', async (peer, over) => {
    peer.send(headers(1, block, { more: true }));
    const more = Buffer.concat(Array.from({ length: 1_000 }, () => continuation(1, Buffer.alloc(0), { more: true })));
    await peer.flood(() => more, over);
  }),
  attack('header blocks that name an entry of 4 kB 16,000 times, without end, on 4 connections', async (peer, over) => {
    peer.send(headers(1, Buffer.concat([block, entry]), { end: true }));
    await peer.flood((index) => headers(2 * index + 3, Buffer.concat([block, references]), { end: true }), over);
  }),
  attack('calls with 7 kB of new headers each, kept open, without end, on 4 connections', async (peer, over) => {
    await peer.flood((index) => {
      const own = Array.from({ length: 7 }, (_, field) => inserted(`x-${index}-${field}`, 'c'.repeat(1_000)));
      return headers(2 * index + 1, Buffer.concat([block, ...own]), { end: true });
    }, over);
  }),
];
