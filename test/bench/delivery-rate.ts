import { startBus, startSidecar } from '../sidecar/processes.ts';
import { BarePlugin, type Subscriber } from './bare-plugin.ts';
import { type Benchmark, inPairs } from './benchmark.ts';
import { perSecond } from './per-second.ts';
import { newStoreFile } from './publish-rate.ts';

/** Messages of 256 bytes per second from a publisher to subscribers that acknowledge each, every plugin with its sidecar. */
export const deliveryRate: Benchmark = {
  name: 'delivery',
  async run({ pairs, messages }) {
    const memory = await startLine('memory', 1);
    const sqlite = await startLine(newStoreFile(), 1);
    const fanned = await startLine('memory', 4);
    const rate = (line: Line) => () => deliver(line, messages);
    for (const line of [memory, sqlite, fanned]) await deliver(line, messages / 4);
    return [
      {
        what: 'to 4 subscribers in sum, to 1',
        unit: 'deliveries/s',
        pairs: await inPairs(pairs, rate(fanned), rate(memory)),
      },
      { what: 'on sqlite, to memory', unit: 'deliveries/s', pairs: await inPairs(pairs, rate(sqlite), rate(memory)) },
    ];
  },
};

interface Line {
  readonly publisher: BarePlugin;
  readonly subscribers: readonly Subscriber[];
}

async function startLine(store: string, subscribers: number): Promise<Line> {
  const bus = await startBus(undefined, store);
  const connect = async (instance: string): Promise<BarePlugin> =>
    BarePlugin.connect((await startSidecar(bus.address, { INSTANCE_ID: instance })).address);
  const taking: Subscriber[] = [];
  for (let index = 1; index <= subscribers; index += 1) {
    taking.push(await (await connect(`oms-${index}`)).subscribe('bench'));
  }
  return { publisher: await connect('oms-publisher'), subscribers: taking };
}

function deliver({ publisher, subscribers }: Line, messages: number): Promise<number> {
  return perSecond(messages * subscribers.length, () =>
    Promise.all([
      publisher.publishStreamed(messages, { batch: 64, inFlight: 512 }),
      ...subscribers.map((subscriber) => subscriber.take(messages)),
    ]),
  );
}
