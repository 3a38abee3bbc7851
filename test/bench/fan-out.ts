import { startBus } from '../sidecar/processes.ts';
import { BareSession } from './bare-session.ts';
import { type Benchmark, type Comparison, inPairs, type Scale } from './benchmark.ts';
import { cpuMs } from './cpu-time.ts';
import { newStoreFile } from './publish-rate.ts';

const topic = 'platform.oms.bench';
const crowd = 50;
const warmUp = 100;
/** No round publishes for longer, however much one publish costs. */
const roundMs = 2_000;

/** What the whole process of the bus, on an SQLite file, takes of a processor while messages are published one after the other. */
export const fanOut: Benchmark = {
  name: 'fan-out',
  async run(scale) {
    const none = await startLine();
    const comparisons: Comparison[] = [];
    const compareCost = async (what: string, line: Line): Promise<void> => {
      const pairs = await inPairs(scale.pairs, costOf(line, scale), costOf(none, scale));
      comparisons.push({ what: `a publish beside ${what}, to none`, unit: 'ms of CPU', pairs });
      line.close();
    };
    for (const { subscriptions, sessions } of unmatched) {
      const what = `${subscriptions} unmatched of ${sessions} ${sessions === 1 ? 'session' : 'sessions'}`;
      await compareCost(what, await startLine({ subscriptions, sessions }));
    }
    await compareCost(`${crowd} that match`, await startLine({ sessions: crowd, matching: true }));
    const [one, many] = [
      await startLine({ sessions: 1, matching: true }),
      await startLine({ sessions: crowd, matching: true }),
    ];
    comparisons.push({
      what: `deliveries to ${crowd} subscribers in sum, to 1`,
      unit: 'per s of CPU',
      pairs: await inPairs(scale.pairs, deliveriesOf(many, scale), deliveriesOf(one, scale)),
    });
    for (const line of [none, one, many]) line.close();
    return comparisons;
  },
};

const unmatched = [
  { subscriptions: 128, sessions: 1 },
  { subscriptions: 512, sessions: 1 },
  { subscriptions: 512, sessions: crowd },
  { subscriptions: 5_000, sessions: crowd },
];

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
  const { program, address } = await startBus(undefined, newStoreFile());
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
  await publish(line, warmUp);
  return line;
}

function costOf(line: Line, { calls }: Scale) {
  return async () => {
    const { published, tookMs } = await publish(line, calls);
    return tookMs / published;
  };
}

function deliveriesOf(line: Line, { calls }: Scale) {
  return async () => {
    const { published, tookMs } = await publish(line, calls);
    return (published * line.subscribers.length * 1_000) / tookMs;
  };
}

/** Publishes one message at a time, and goes on when everybody who gets it has acknowledged it. */
async function publish({ pid, publisher, subscribers }: Line, calls: number) {
  const endMs = performance.now() + roundMs;
  const beforeMs = cpuMs(pid);
  let published = 0;
  while (published < calls && performance.now() < endMs) {
    await Promise.all([publisher.publish(topic), ...subscribers.map((subscriber) => subscriber.taken(1))]);
    published += 1;
  }
  // A tick of the clock that counts processor time may be more than a short round takes.
  return { published, tookMs: Math.max(1, cpuMs(pid) - beforeMs) };
}
