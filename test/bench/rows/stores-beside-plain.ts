import { type NatsServers, startServers } from '../../cluster/nats-server.ts';
import { endAll } from '../../sidecar/processes.ts';
import { BarePlugin, type Subscriber, takenTogether } from '../bare-plugin.ts';
import { type Benchmark, inTurns, type Round, type RowPlan, type Scale } from '../benchmark.ts';
import { PlainJetStream } from '../programs/plain-jetstream.ts';
import { newStoreFile, startShippedBus, startShippedSidecar } from '../programs/shipped.ts';

/** Where a bus stores, and the count of NATS servers that it stands beside. */
interface Place {
  readonly name: string;
  readonly beside: 1 | 3;
  readonly store: (servers: NatsServers) => readonly string[];
}

const nats = ({ addresses }: NatsServers): readonly string[] => [
  `nats://${addresses.join(',')}`,
  '--store-replicas',
  `${addresses.length}`,
];

const places: readonly Place[] = [
  { name: 'memory', beside: 1, store: () => ['memory'] },
  { name: 'SQLite', beside: 1, store: () => [newStoreFile()] },
  { name: 'one NATS server', beside: 1, store: nats },
  { name: 'three NATS servers', beside: 3, store: nats },
];

const plansOf = ({ name, beside }: Place): readonly RowPlan[] => {
  const published = `plain publish, ${beside}`;
  const consumed = `plain consume and ack, ${beside}`;
  const isAimedAt = beside === 3;
  return [
    {
      ...{ row: `16 plugins publish, ${name}`, unit: '/s', beside: published },
      ...(isAimedAt && { aim: { of: 'ratio', atLeast: 1.5 } as const }),
    },
    { row: `calls, ${name}`, unit: '/s', beside: published },
    { row: `delivery, ${name}`, unit: '/s', beside: consumed },
    { row: `group of 3, ${name}`, unit: '/s', beside: consumed },
  ];
};

/**
 * Through sidecars and a bus on each store, beside what a client of JetStream gets that stores message by message with 256 unanswered, and takes
 * and acknowledges what is stored. Plugins and that client are this Node process.
 */
export const storesBesidePlain: Benchmark = {
  needs: 'nats-server',
  plans: places.flatMap(plansOf),
  async run(scale) {
    const rounds: (readonly Round[])[] = [];
    const servers = { 1: await startServers(1), 3: await startServers(3) };
    const plain = { 1: await PlainJetStream.open(servers[1]), 3: await PlainJetStream.open(servers[3]) };
    try {
      for (const place of places) {
        rounds.push(...(await measure(place.store(servers[place.beside]), plain[place.beside], scale)));
        await endAll();
      }
    } finally {
      for (const count of [1, 3] as const) {
        await plain[count].close();
        await servers[count].stop();
      }
    }
    return rounds;
  },
};

type Work = (count: number) => Promise<unknown>;

async function measure(store: readonly string[], plain: PlainJetStream, scale: Scale): Promise<Round[][]> {
  const bus = await startShippedBus(...store);
  const plugin = async (instance: string, poolType = 'OMSPool'): Promise<BarePlugin> =>
    BarePlugin.connect(
      (await startShippedSidecar(bus.address, { INSTANCE_ID: instance, POOL_TYPE: poolType })).address,
    );
  const publishers = await inParallel(scale.plugins, (index) => plugin(`oms-publisher-${index}`));
  const publish: Work = (count) =>
    Promise.all(publishers.map((each) => each.publishStreamed(Math.ceil(count / publishers.length), streamed)));
  await (await plugin('dgm-1', 'DGMPool')).answer('platform.ask.bench');
  const caller = await plugin('oms-caller');
  const consume: Work = (count) => plain.consume(count);
  const rows = [
    await compare(publish, (count) => plain.publish(count), scale),
    await compare(
      (count) => caller.callOnAndOn('platform.ask.bench', count, 64),
      (count) => plain.publish(count),
      scale,
    ),
  ];
  const one = publishers[0];
  if (!one) throw new Error('there is no publisher');
  const taken = async (subscriber: Subscriber, count: number): Promise<unknown> =>
    Promise.all([one.publishStreamed(count, streamed), subscriber.take(count)]);
  const taker = await plugin('oms-taker');
  const subscriber = await taker.subscribe('bench');
  rows.push(
    await compare(
      (count) => taken(subscriber, count),
      consume,
      scale,
      (count) => plain.publish(count),
    ),
  );
  // Its subscription would take a part of the machine from the group.
  taker.close();
  const members: Subscriber[] = [];
  for (let index = 0; index < 3; index += 1) {
    members.push(await (await plugin(`oms-member-${index}`)).subscribe('group', 'bench'));
  }
  const group = takenTogether(members);
  rows.push(
    await compare(
      (count) => taken(group, count),
      consume,
      scale,
      (count) => plain.publish(count),
    ),
  );
  return rows;
}

const streamed = { batch: 64, inFlight: 256 } as const;

/** `prepare`: what the baseline needs before it is measured. */
async function compare(work: Work, baseline: Work, { rounds, roundMs }: Scale, prepare?: Work): Promise<Round[]> {
  const measured = await pace(work, roundMs);
  const beside = await pace(baseline, roundMs, prepare);
  return inTurns(rounds, { measured, baseline: beside });
}

/** A measurement that lasts about as long as a round. */
async function pace(work: Work, roundMs: number, prepare?: Work): Promise<() => Promise<number>> {
  const perSecond = async (count: number): Promise<number> => {
    await prepare?.(count);
    const startMs = performance.now();
    await work(count);
    return (count / (performance.now() - startMs)) * 1_000;
  };
  const warmUp = 64 * Math.ceil(roundMs / 20);
  const rate = await perSecond(warmUp);
  const count = Math.max(64, Math.ceil((rate * roundMs) / 1_000));
  return () => perSecond(count);
}

function inParallel<T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => make(index)));
}
