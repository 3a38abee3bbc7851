import { BareSession } from '../bare-session.ts';
import { type Benchmark, inTurns, type Round, type Scale } from '../benchmark.ts';
import { cpuMs } from '../programs/cpu-time.ts';
import { newStoreFile, startShippedBus } from '../programs/shipped.ts';

const topic = 'platform.oms.bench';
const crowd = 50;
const warmUp = 100;
const warmUpMs = 2_000;
const unmatched = [
  { subscriptions: 128, sessions: 1 },
  { subscriptions: 512, sessions: 1 },
  { subscriptions: 512, sessions: crowd },
  { subscriptions: 5_000, sessions: crowd },
];
const cost = { unit: 'ms CPU', beside: 'none' };

/** What the whole process of the bus, on an SQLite file, takes of a processor while messages are published one after the other. */
export const fanOut: Benchmark = {
  plans: [
    ...unmatched.map(({ subscriptions, sessions }) => ({
      row: `publish, ${subscriptions} others of ${sessions}`,
      ...cost,
    })),
    { row: `publish, ${crowd} matching`, ...cost },
    { row: `deliveries to ${crowd} in sum`, unit: '/s CPU', beside: 'to 1' },
  ],
  async run(scale) {
    const none = await startLine();
    const compareCost = async (line: Line): Promise<Round[]> => {
      const rounds = await inTurns(scale.rounds, { measured: costOf(line, scale), baseline: costOf(none, scale) });
      line.close();
      return rounds;
    };
    const results: Round[][] = [];
    for (const { subscriptions, sessions } of unmatched) {
      const most = Math.min(subscriptions, scale.subscriptions);
      results.push(await compareCost(await startLine({ subscriptions: most, sessions })));
    }
    results.push(await compareCost(await startLine({ sessions: crowd, matching: true })));
    const [one, many] = [
      await startLine({ sessions: 1, matching: true }),
      await startLine({ sessions: crowd, matching: true }),
    ];
    results.push(
      await inTurns(scale.rounds, { measured: deliveriesOf(many, scale), baseline: deliveriesOf(one, scale) }),
    );
    for (const line of [none, one, many]) line.close();
    return results;
  },
};

interface Line {
  readonly pid: number;
  readonly publisher: BareSession;
  /** Those that get each message. */
  readonly subscribers: readonly BareSession[];
  close(): void;
}

interface Crowd {
  readonly sessions: number;
  /** Whether each of the sessions has one subscription that matches, instead of its share of those that do not. */
  readonly matching?: boolean;
  readonly subscriptions?: number;
}

async function startLine({ sessions, matching = false, subscriptions = 0 }: Crowd = { sessions: 0 }): Promise<Line> {
  const { program, address } = await startShippedBus(newStoreFile());
  const publisher = await BareSession.open(address, 'oms-publisher');
  const listeners: BareSession[] = [];
  for (let index = 0; index < sessions; index += 1) {
    const session = await BareSession.open(address, `oms-${index}`);
    const share = Math.ceil((subscriptions - index) / sessions);
    await session.subscribe(
      matching ? [topic] : Array.from({ length: share }, (_, number) => `platform.oms.other.${index}.${number}`),
    );
    listeners.push(session);
  }
  const subscribers = matching ? listeners : [];
  const close = (): void => {
    for (const session of [publisher, ...listeners]) session.close();
    program.signal('SIGKILL');
  };
  const line = { pid: program.pid, publisher, subscribers, close };
  // What has run for a while is compiled, and done with opening its subscriptions.
  await publish(line, { calls: warmUp, roundMs: warmUpMs });
  return line;
}

function costOf(line: Line, scale: Scale) {
  return async () => {
    const { published, tookMs } = await publish(line, scale);
    return tookMs / published;
  };
}

function deliveriesOf(line: Line, scale: Scale) {
  return async () => {
    const { published, tookMs } = await publish(line, scale);
    return (published * line.subscribers.length * 1_000) / tookMs;
  };
}

/** Publishes one message at a time, and goes on when everybody who gets it has acknowledged it. */
async function publish({ pid, publisher, subscribers }: Line, { calls, roundMs }: Pick<Scale, 'calls' | 'roundMs'>) {
  // One publish after the other needs less time than a load.
  const endMs = performance.now() + roundMs / 2;
  const beforeMs = cpuMs(pid);
  let published = 0;
  while (published < calls && performance.now() < endMs) {
    await Promise.all([publisher.publish(topic), ...subscribers.map((subscriber) => subscriber.taken(1))]);
    published += 1;
  }
  // A tick of the clock that counts processor time may be more than a short round takes.
  return { published, tookMs: Math.max(1, cpuMs(pid) - beforeMs) };
}
