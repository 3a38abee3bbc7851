// Counts every message in its state and acknowledges it in the same operation: exactly once in effect, whatever is killed.
import { realScheduler } from '../../../src/base/time/real-scheduler.ts';
import { sleep } from '../../../src/base/time/scheduler.ts';
import { connect } from '../../../src/plugin/index.ts';
import type { DeliveredMessage } from '../../../src/plugin/message.ts';
import { type CounterEntry, laneOf, type Taken, type Tally } from '../entries.ts';
import { openJournal } from '../journal.ts';
import { takenFrom } from './taken.ts';

const [file = '', pattern = ''] = process.argv.slice(2);
const write = openJournal<CounterEntry>(file);
const plugin = await connect();
let tally = await storedTally();
plugin.onStop(async () => write({ kind: 'final', tally: await storedTally() }));
await plugin.subscribe(pattern, { name: 'counter' }, count);
write({ kind: 'subscribed' });
await plugin.stopped;

async function count(message: DeliveredMessage): Promise<void> {
  const taken = takenFrom(message);
  if (isCounted(taken)) return write({ kind: 'repeated', ...taken });
  while (!isCounted(taken)) {
    const next = countedIn(tally, taken);
    try {
      await plugin.saveState(Buffer.from(JSON.stringify(next)), { acknowledge: [message] });
      tally = next;
    } catch {
      // The bus or the sidecar is away, so it may or may not be stored: what is stored now decides.
      tally = await storedTally();
    }
  }
  write({ kind: 'counted', ...taken });
}

function isCounted({ position }: Taken): boolean {
  return BigInt(position) <= BigInt(tally.position);
}

function countedIn({ lanes }: Tally, taken: Taken): Tally {
  const { position, number } = taken;
  const before = lanes[laneOf(taken)] ?? { last: 0, count: 0, sum: 0 };
  const lane = { last: number, count: before.count + 1, sum: before.sum + number };
  return { position, lanes: { ...lanes, [laneOf(taken)]: lane } };
}

async function storedTally(): Promise<Tally> {
  for (;;) {
    try {
      const state = await plugin.loadState();
      return state ? (JSON.parse(Buffer.from(state).toString()) as Tally) : { position: '0', lanes: {} };
    } catch {
      // Nothing tells a plugin that the bus is back for a call of this kind, so it asks again.
      await sleep(realScheduler, 50);
    }
  }
}
