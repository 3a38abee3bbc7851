import { type Subscriber, takenTogether } from '../bare-plugin.ts';
import { type Benchmark, inTurns, type Round, type Scale } from '../benchmark.ts';
import type { MeasuredLoad } from '../generator/measured-load.ts';
import { newStoreFile } from '../programs/shipped.ts';
import { SidecarLine } from '../programs/sidecar-line.ts';

/** What an SQLite file costs beside the store in memory, and what further subscribers bring. */
export const store: Benchmark = {
  needs: 'h2load',
  plans: [
    { row: 'publish on SQLite', unit: '/s', beside: 'in memory' },
    { row: 'batched publish on SQLite', unit: '/s', beside: 'in memory' },
    { row: 'delivery on SQLite', unit: '/s', beside: 'in memory' },
    { row: 'deliveries to 4 subscribers', unit: '/s', beside: 'to 1' },
    { row: 'delivery to a group of 3', unit: '/s', beside: 'to 1' },
    { row: 'group of 3 on SQLite', unit: '/s', beside: 'to 1 there' },
  ],
  async run(scale) {
    const memory = await SidecarLine.start();
    const sqlite = await SidecarLine.start(newStoreFile());
    const unary = await compare(sqlite.publishes(), memory.publishes(), scale);
    const batches = await compare(sqlite.streamedPublishes(64), memory.streamedPublishes(64), scale);
    const deliveries = await compare(await deliveryLoad(sqlite, 1), await deliveryLoad(memory, 1), scale);
    const four = await SidecarLine.start();
    const fanned = await compare(await deliveryLoad(four, 4), await deliveryLoad(memory, 1), scale);
    const ofGroup = await compare(await groupLoad(await SidecarLine.start(), 3), await deliveryLoad(memory, 1), scale);
    const groupOnFile = await SidecarLine.start(newStoreFile());
    const ofGroupOnFile = await compare(await groupLoad(groupOnFile, 3), await deliveryLoad(sqlite, 1), scale);
    return [
      unary,
      batches,
      deliveries,
      fanned.map((round) => ({ ...round, measured: round.measured * 4 })),
      ofGroup,
      ofGroupOnFile,
    ];
  },
};

async function compare(load: MeasuredLoad, baseline: MeasuredLoad, { rounds, roundMs }: Scale): Promise<Round[]> {
  const results = await inTurns(rounds, { measured: () => load.run(roundMs), baseline: () => baseline.run(roundMs) });
  return results.map(({ measured, baseline: beside }) => ({
    measured: measured.perSecond,
    baseline: beside.perSecond,
  }));
}

/** One after the other, so that each member is there before the next one asks. */
async function groupLoad(line: SidecarLine, members: number): Promise<MeasuredLoad> {
  const all: Subscriber[] = [];
  for (let index = 0; index < members; index += 1) {
    all.push(await (await line.another(`oms-member-${index}`)).subscribe('bench', 'bench'));
  }
  const together = takenTogether(all);
  return line.streamedPublishes(64, (count) => together.take(count));
}

async function deliveryLoad(line: SidecarLine, subscribers: number): Promise<MeasuredLoad> {
  const all = await Promise.all(
    Array.from({ length: subscribers }, async (_unused, index) =>
      (await line.another(`oms-taker-${index}`)).subscribe('bench'),
    ),
  );
  return line.streamedPublishes(64, (count) => Promise.all(all.map((subscriber) => subscriber.take(count))));
}
