import path from 'node:path';
import { startBus, startSidecar, writeTemporary } from '../sidecar/processes.ts';
import { BarePlugin } from './bare-plugin.ts';
import { type Benchmark, inPairs } from './benchmark.ts';
import { perSecond } from './per-second.ts';

const inFlight = 512;
const unary = (plugin: BarePlugin, messages: number) => plugin.publishUnary(messages, 64);
const streamed = (plugin: BarePlugin, messages: number) => plugin.publishStreamed(messages, { batch: 1, inFlight });
const batched = (plugin: BarePlugin, messages: number) => plugin.publishStreamed(messages, { batch: 64, inFlight });

/** Publishes of 256 bytes per second from one plugin through its sidecar to the bus, all answered. */
export const publishRate: Benchmark = {
  name: 'publish',
  async run({ pairs, messages }) {
    const memory = await connectThrough('memory');
    const sqlite = await connectThrough(newStoreFile());
    const rate = (plugin: BarePlugin, publish: typeof unary) => () =>
      perSecond(messages, () => publish(plugin, messages));
    await batched(memory, messages);
    await batched(sqlite, messages);
    const compare = async (what: string, measured: () => Promise<number>, baseline: () => Promise<number>) => ({
      what,
      unit: 'messages/s',
      pairs: await inPairs(pairs, measured, baseline),
    });
    return [
      await compare('streamed, to unary', rate(memory, streamed), rate(memory, unary)),
      await compare('batches of 64, to unary', rate(memory, batched), rate(memory, unary)),
      await compare('unary on sqlite, to memory', rate(sqlite, unary), rate(memory, unary)),
      await compare('batches on sqlite, to memory', rate(sqlite, batched), rate(memory, batched)),
    ];
  },
};

async function connectThrough(store: string): Promise<BarePlugin> {
  const bus = await startBus(undefined, store);
  const sidecar = await startSidecar(bus.address);
  return BarePlugin.connect(sidecar.address);
}

/** A place in a directory of its own. */
export function newStoreFile(): string {
  return path.join(path.dirname(writeTemporary('store', '')), 'bus.sqlite');
}
