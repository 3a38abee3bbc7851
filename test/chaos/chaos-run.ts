import { rmSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFailed } from 'vitest';
import { randomBelow, seededRandom, systemRandom } from '../../src/base/random.ts';
import { matchTopic } from '../../src/contract/wire/topics/topic.ts';
import type { CounterEntry, LedgerEntry, PublisherEntry } from './entries.ts';
import { Fleet } from './fleet.ts';
import { judgeGroup, type Members, togetherHoldAll } from './group-verdict.ts';
import { JournalReader } from './journal.ts';
import { type Kind, kinds, planKills } from './kill-plan.ts';
import { holdsAll, judge, type Published, type Verdict } from './verdict.ts';

const seed = Number(process.env.CHAOS_SEED ?? randomBelow(systemRandom, 2 ** 32));
const messages = 10_000;
const killsPerKind = 18;
const topics = ['a', 'b', 'c'].flatMap((name) => [`chaos.plain.${name}`, `chaos.keyed.${name}`]);
const publishers = ['publisher-1', 'publisher-2'];
/** Counting costs a write of the state for each message, so it is done for a part of them. */
const patterns = { ledger: 'chaos.**', counter: 'chaos.keyed.a' } as const;
const subscribers = ['ledger', 'counter'] as const;
/** Members of one group, which shares what the ledger gets. */
const workers = ['worker-1', 'worker-2', 'worker-3'];
const instances = [...publishers, ...subscribers, ...workers];

/**
 * Kills plugins, sidecars and the bus with kill -9 under load, and expects that this loses nothing, repeats nothing unmarked and keeps
 * order. `store`: what the bus gets after `--store`. Absent: a file. `busCount`: processes of the bus on one store.
 */
export async function runChaos(store?: readonly string[], busCount = 1): Promise<void> {
  const directory = path.resolve(import.meta.dirname, `../../build/chaos/${seed}`);
  rmSync(directory, { recursive: true, force: true });
  onTestFailed(() => say(`chaos failed: CHAOS_SEED=${seed}; its timeline, journals and logs are in ${directory}`));
  const fleet = await Fleet.start(directory, store, busCount);
  try {
    const journals = await startLoad(fleet);
    await killAround(fleet, journals);
    const verdict = await settle(fleet, journals);
    say(`${summary(verdict)}; ${fleet.restarts} ends with exit code 69`);
    expect(verdict.faults).toEqual([]);
    expect(fleet.ownEnds).toEqual([]);
    expect(verdict.accepted).toBeGreaterThanOrEqual(messages);
  } finally {
    await fleet.killAll();
  }
}

interface Readers {
  readonly published: ReadonlyMap<string, JournalReader<PublisherEntry>>;
  readonly ledger: JournalReader<LedgerEntry>;
  readonly counter: JournalReader<CounterEntry>;
  /** Of the members of the group. */
  readonly members: ReadonlyMap<string, JournalReader<LedgerEntry>>;
}

/** The subscriptions stand before the first publish, so that every accepted message is theirs. */
async function startLoad(fleet: Fleet): Promise<Readers> {
  for (const subscriber of subscribers) {
    await fleet.startContainer({ instance: subscriber, program: subscriber, args: [patterns[subscriber]] });
  }
  const ledger = new JournalReader<LedgerEntry>(fleet.journalFile('ledger'));
  const counter = new JournalReader<CounterEntry>(fleet.journalFile('counter'));
  const members = new Map<string, JournalReader<LedgerEntry>>();
  for (const worker of workers) {
    await fleet.startContainer({ instance: worker, program: 'ledger', args: [patterns.ledger, 'workers'] });
    members.set(worker, new JournalReader<LedgerEntry>(fleet.journalFile(worker)));
  }
  for (const journal of [ledger, counter, ...members.values()]) {
    await journal.until('its subscription', (entries) => entries.some(({ kind }) => kind === 'subscribed'));
  }
  const published = new Map<string, JournalReader<PublisherEntry>>();
  for (const publisher of publishers) {
    published.set(publisher, new JournalReader<PublisherEntry>(fleet.journalFile(publisher)));
    const args = [topics.join(','), fleet.journalFile('ledger')];
    await fleet.startContainer({ instance: publisher, program: 'publisher', args });
  }
  return { published, ledger, counter, members };
}

async function killAround(fleet: Fleet, { published, ledger, counter }: Readers): Promise<void> {
  const journals = new Map<string, JournalReader<unknown>>([...published, ['ledger', ledger], ['counter', counter]]);
  const plan = planKills({
    random: seededRandom(seed),
    perKind: killsPerKind,
    victims: {
      plugin: instances.map((instance) => `plugin ${instance}`),
      sidecar: instances.map((instance) => `sidecar ${instance}`),
      bus: fleet.buses,
    },
    witnesses: [...journals.keys()],
    entriesMax: 300,
  });
  let restarted: Promise<void> | undefined;
  for (const { victim, witness, afterEntries, duringRestart } of plan) {
    if (duringRestart) await restarted;
    else await journals.get(witness)?.more(afterEntries);
    await fleet.kill(victim);
    restarted = fleet.printed(victim);
    fleet.start(victim);
  }
  const acceptedIn = (entries: readonly PublisherEntry[]): number =>
    entries.filter((entry) => entry.kind === 'answered' && entry.outcome === 'accepted').length;
  for (const journal of published.values()) {
    // Some of them after the last kill, which brings every process through its start.
    const goal = Math.max(messages / publishers.length, acceptedIn(journal.entries) + 100);
    await journal.until(`${goal} accepted messages`, (entries) => acceptedIn(entries) >= goal);
  }
}

/** Stops the publishers, lets the subscribers take everything, and stops the rest, each in good order. */
async function settle(fleet: Fleet, { published, ledger, counter, members }: Readers): Promise<Verdict> {
  const stops = await Promise.all(publishers.map((publisher) => fleet.stop(`plugin ${publisher}`)));
  const sent = new Map([...published].map(([publisher, journal]) => [publisher, journal.entries]));
  try {
    await ledger.until('every accepted message', holdsAll(sent, patterns.ledger));
    await membersHoldAll(sent, members);
    const newest = newestPosition(ledger.entries);
    // Its journal may lack what it stored just before a kill, so it is asked only how far it has come.
    await counter.until(`position ${newest}`, (entries) => newestPosition(entries.slice(-1)) >= newest);
  } catch (error) {
    // What is missing is the verdict's to name.
    fleet.note(String(error));
  }
  for (const subscriber of [...subscribers, ...workers]) stops.push(await fleet.stop(`plugin ${subscriber}`));
  await counter.until('its state', (entries) => entries.some(({ kind }) => kind === 'final'));
  for (const instance of instances) stops.push(await fleet.stop(`sidecar ${instance}`));
  for (const bus of fleet.buses) stops.push(await fleet.stop(bus));
  expect(new Set(stops)).toEqual(new Set(['0']));
  const verdict = judge({
    published: sent,
    ledger: { pattern: patterns.ledger, entries: ledger.entries },
    counter: { pattern: patterns.counter, entries: counter.entries },
  });
  const ofGroup = judgeGroup(sent, patterns.ledger, entriesOf(members));
  return { ...verdict, faults: [...verdict.faults, ...ofGroup] };
}

/** What a killed sidecar of a member had comes to another one when its lease is over. */
async function membersHoldAll(sent: Published, members: Readers['members']): Promise<void> {
  const holdAll = togetherHoldAll(sent, patterns.ledger);
  await expect.poll(() => holdAll(entriesOf(members)), { timeout: 60_000 }).toBe(true);
}

function entriesOf(members: Readers['members']): Members {
  return new Map([...members].map(([member, { entries }]) => [member, entries]));
}

/** Among the messages that the counter takes. */
function newestPosition(entries: readonly (LedgerEntry | CounterEntry)[]): bigint {
  let newest = 0n;
  for (const entry of entries) {
    if (!('position' in entry) || !matchTopic(patterns.counter, entry.topic)) continue;
    if (BigInt(entry.position) > newest) newest = BigInt(entry.position);
  }
  return newest;
}

const killsOf = (kind: Kind): string => `${killsPerKind} ${kind}`;

function summary({ accepted, unknown, refused, repeatsMarked, faults }: Verdict): string {
  const kills = kinds.map(killsOf).join(', ');
  const counts = `${accepted} accepted, ${unknown} unknown, ${refused} refused, ${repeatsMarked} repeats marked`;
  return `chaos CHAOS_SEED=${seed}: ${counts}, ${faults.length} faults; killed ${kills}`;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
