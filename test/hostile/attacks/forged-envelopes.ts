import { statSync } from 'node:fs';
import { RawSession } from '../../bus/raw-session.ts';
import type { Attack } from '../attack.ts';

const topic = 'platform.oms.forged';
const question = 'platform.ask.anything';
const mebibyte = 2 ** 20;

export const attacks: readonly Attack[] = [
  {
    name: '2,000 publishes and calls under another name, with made-up ids, times and traces',
    target: 'bus',
    async run({ bus }) {
      const session = await RawSession.open(bus.address, 'oms-9', 'OMSPool');
      const forged = {
        ...{ topic, messageId: 'oms-1-1-1', publishedAtNs: 9n * 10n ** 18n, traceparent: 'a\nb' },
        ...{ originalTopic: topic, originalPublisherInstanceId: 'oms-1', failedSubscription: 'honest' },
      };
      for (let sequence = 1n; sequence <= 1_000n; sequence += 1n) {
        const publisherInstanceId = sequence % 2n === 0n ? '' : 'oms-1';
        const meta = { ...forged, publisherInstanceId };
        session.send({ case: 'publish', value: { sequence, settledBelow: 0n, envelope: { meta } } });
        const envelope = { meta: { ...meta, topic: question } };
        session.send({ case: 'heartbeat', value: { sequence } });
        session.send({ case: 'call', value: { callId: sequence, timeoutMs: 1_000, envelope } });
        const { accepted, messageId } = await session.next('publishResult');
        const isStamped = messageId === `oms-9-${session.owner.epoch}-${sequence}`;
        if (accepted ? !isStamped : publisherInstanceId === '')
          throw new Error(`publish ${sequence} became ${messageId}`);
      }
      session.close();
    },
  },
  {
    name: '200 publishes with a dedup key of 900 KiB, then 20,000 keys of 1,000 bytes, into a store of 16 MiB',
    target: 'bus',
    busFlags: () => ['--store-bytes', '16MiB'],
    async run({ bus, honest }) {
      const session = await RawSession.open(bus.address, 'oms-9', 'OMSPool');
      let sequence = 0n;
      const publish = (dedupKey: string): void => {
        sequence += 1n;
        const envelope = { meta: { topic, dedupKey } };
        session.send({ case: 'publish', value: { sequence, settledBelow: sequence, envelope } });
      };
      const reasons = new Set<string>();
      const answer = async (): Promise<void> => {
        const { refusalReason } = await session.next('publishResult');
        reasons.add(refusalReason.replaceAll(/\d+/g, 'N'));
      };
      for (let index = 0; index < 200; index += 1) {
        publish('k'.repeat(900 * 1024));
        await answer();
      }
      for (let index = 0; index < 20_000; index += 1) {
        publish(`${index}`.padStart(1_000, '0'));
        if (index % 100 === 99) for (let answers = 0; answers < 100; answers += 1) await answer();
        if (index % 5_000 === 0) session.send({ case: 'heartbeat', value: { sequence: BigInt(index) } });
      }
      await honest.rounds(10);
      session.close();
      const all = [...reasons].join('\n');
      if (!/dedup_key is N bytes long; the limit is N/.test(all)) throw new Error(`no key was too long: ${all}`);
      if (!/dedup keys of this instance take N/.test(all)) throw new Error(`no key was one too many: ${all}`);
      const { size } = statSync(bus.storeFile);
      if (size > 32 * mebibyte) throw new Error(`the store has ${size} bytes`);
    },
  },
];
