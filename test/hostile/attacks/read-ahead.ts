import { RawSession } from '../../bus/raw-session.ts';
import type { Attack } from '../attack.ts';

const payload = new Uint8Array(900_000);

export const attacks: readonly Attack[] = [
  {
    name: '25 publishes of 900 kB from each of 6 sidecars at once',
    target: 'bus',
    busFlags: () => ['--lease', '1h'],
    async run({ bus }) {
      const numbers = Array.from({ length: 6 }, (_, index) => index + 10);
      const sessions = await Promise.all(
        numbers.map((number) => RawSession.open(bus.address, `oms-${number}`, 'OMSPool')),
      );
      const envelope = { meta: { topic: 'platform.oms.large' }, payload };
      for (let sequence = 1n; sequence <= 25n; sequence += 1n) {
        for (const session of sessions)
          session.send({ case: 'publish', value: { sequence, settledBelow: 0n, envelope } });
      }
      await Promise.all(
        sessions.map(async (session) => {
          for (let answers = 0; answers < 25; answers += 1) await session.next('publishResult');
          session.close();
        }),
      );
    },
  },
];
