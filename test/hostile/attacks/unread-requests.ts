import { callAll, putAll } from '../../bus/many-calls.ts';
import { RawSession } from '../../bus/raw-session.ts';
import type { Attack } from '../attack.ts';

const topic = 'platform.ask.price';
const payload = new Uint8Array(900_000);
const leaseFlags = (): readonly string[] => ['--lease', '1h'];

export const attacks: readonly Attack[] = [
  {
    name: '600 requests of 900 kB, each for 1 ms, to a responder that does not read',
    target: 'bus',
    busFlags: leaseFlags,
    async run({ bus, honest }) {
      const responder = await RawSession.open(bus.address, 'dgm-1', 'DGMPool');
      responder.send({ case: 'serve', value: { serverId: 1, pattern: topic } });
      await responder.next('serving');
      const caller = await RawSession.open(bus.address, 'oms-2', 'OMSPool');
      for (let round = 0; round < 6; round += 1) {
        await callAll(caller, { count: 100, topic, payload, timeoutMs: 1 }, 1 + 100 * round);
      }
      await honest.rounds(5);
      for (const each of [responder, caller]) each.close();
    },
  },
  {
    name: '400 answers of 900 kB to a caller that does not read',
    target: 'bus',
    busFlags: leaseFlags,
    async run({ bus, honest }) {
      const responder = await RawSession.open(bus.address, 'dgm-1', 'DGMPool');
      responder.send({ case: 'serve', value: { serverId: 1, pattern: topic } });
      await responder.next('serving');
      const caller = await RawSession.open(bus.address, 'oms-2', 'OMSPool');
      const count = 400;
      putAll(caller, { count, topic, payload: new Uint8Array(), timeoutMs: 60_000 }, 1);
      for (let index = 0; index < count; index += 1) {
        const { requestId } = await responder.next('request');
        responder.send({ case: 'answer', value: { requestId, ok: true, payload } });
      }
      await honest.rounds(5);
      for (const each of [responder, caller]) each.close();
    },
  },
];
