import { matchTopic } from '../../src/contract/wire/topics/topic.ts';
import { type CounterEntry, type LedgerEntry, laneOf, type PublisherEntry, type Taken } from './entries.ts';

/** By the publisher's instance id. */
export type Published = ReadonlyMap<string, readonly PublisherEntry[]>;

/** What one subscriber wrote down of what its pattern matches. */
export interface Subscribed<Entry> {
  readonly pattern: string;
  readonly entries: readonly Entry[];
}

export interface Journals {
  readonly published: Published;
  readonly ledger: Subscribed<LedgerEntry>;
  readonly counter: Subscribed<CounterEntry>;
}

/** What the journals say: the numbers of the run, and every broken promise with the message that shows it. */
export interface Verdict {
  readonly accepted: number;
  /** Neither accepted nor refused: the message may be stored or not. */
  readonly unknown: number;
  readonly refused: number;
  readonly repeatsMarked: number;
  readonly faults: readonly string[];
}

type Fate = 'accepted' | 'unknown' | 'refused';
type Entry = LedgerEntry | CounterEntry;
type Received = Extract<LedgerEntry, { kind: 'received' }>;

export function judge({ published, ledger, counter }: Journals): Verdict {
  const fates = fatesOf(published);
  const received = ledger.entries.filter((entry) => entry.kind === 'received');
  const first = new Map<string, Received>();
  for (const entry of received) if (!first.has(entry.messageId)) first.set(entry.messageId, entry);
  const count = (fate: Fate): number => [...fates.values()].filter((each) => each === fate).length;
  return {
    accepted: count('accepted'),
    unknown: count('unknown'),
    refused: count('refused'),
    repeatsMarked: received.filter((entry) => entry.marked && first.get(entry.messageId) !== entry).length,
    faults: [
      ...missing(published, ledger).map((id) => `lost: ${id}`),
      ...received
        .filter((entry) => !entry.marked && first.get(entry.messageId) !== entry)
        .map((entry) => `repeated without a mark: ${idOf(entry)}`),
      ...judgeFirstDeliveries([...first.values()], fates),
      ...judgeCounter(counter, [...first.values()]),
    ],
  };
}

/** A condition for a growing journal, which looks at each entry once: that it holds every accepted message it should. */
export function holdsAll(published: Published, pattern: string): (entries: readonly Entry[]) => boolean {
  const rest = new Set(expected(published, pattern));
  let seen = 0;
  return (entries) => {
    for (; seen < entries.length; seen += 1) {
      const entry = entries[seen];
      if (entry && 'number' in entry) rest.delete(idOf(entry));
    }
    return rest.size === 0;
  };
}

function missing(published: Published, { pattern, entries }: Subscribed<Entry>): string[] {
  const ids = new Set(entries.map((entry) => ('number' in entry ? idOf(entry) : '')));
  return expected(published, pattern).filter((id) => !ids.has(id));
}

/** The accepted messages that the pattern matches. */
export function expected(published: Published, pattern: string): string[] {
  const accepted = [...fatesOf(published)].filter(([, fate]) => fate === 'accepted').map(([id]) => id);
  return accepted.filter((id) => matchTopic(pattern, id.split(' ')[1] ?? ''));
}

export function idOf({ number, ...lane }: Pick<Taken, 'publisher' | 'topic' | 'number'>): string {
  return `${laneOf(lane)} ${number}`;
}

/** What became of each message that a publisher began to send, over all its attempts. */
function fatesOf(published: Published): Map<string, Fate> {
  const attempts = new Map<string, { open: number; accepted: boolean }>();
  for (const [publisher, entries] of published) {
    for (const entry of entries) {
      const id = idOf({ publisher, ...entry });
      const attempt = attempts.get(id) ?? { open: 0, accepted: false };
      if (entry.kind === 'sent') attempt.open += 1;
      else if (entry.outcome === 'accepted') attempt.accepted = true;
      else if (entry.outcome === 'refused') attempt.open -= 1;
      attempts.set(id, attempt);
    }
  }
  const fate = ({ open, accepted }: { open: number; accepted: boolean }): Fate => {
    if (accepted) return 'accepted';
    return open > 0 ? 'unknown' : 'refused';
  };
  return new Map([...attempts].map(([id, attempt]) => [id, fate(attempt)]));
}

/** Each message is stored once, was sent, was not refused, and comes after those before it in its lane. */
function judgeFirstDeliveries(first: readonly Received[], fates: ReadonlyMap<string, Fate>): string[] {
  const faults: string[] = [];
  const last = new Map<string, number>();
  const seen = new Set<string>();
  for (const entry of first) {
    const id = idOf(entry);
    const fate = fates.get(id);
    const before = last.get(laneOf(entry)) ?? 0;
    if (fate === undefined) faults.push(`never sent: ${id}`);
    if (fate === 'refused') faults.push(`delivered though refused: ${id}`);
    if (seen.has(id)) faults.push(`stored twice: ${id}, again as ${entry.messageId}`);
    else if (entry.number < before) faults.push(`out of order: ${id} after ${before}`);
    seen.add(id);
    last.set(laneOf(entry), Math.max(before, entry.number));
  }
  return faults;
}

/** The state of the counting subscriber holds every stored message once. */
function judgeCounter(counter: Subscribed<CounterEntry>, received: readonly Received[]): string[] {
  const first = received.filter(({ topic }) => matchTopic(counter.pattern, topic));
  const faults = counter.entries
    .filter((entry) => entry.kind === 'repeated')
    .map((entry) => `came again after its state was stored: ${idOf(entry)}`);
  const final = counter.entries.findLast((entry) => entry.kind === 'final');
  const counted = new Map(Object.entries(final?.tally.lanes ?? {}));
  for (const lane of new Set([...first.map(laneOf), ...counted.keys()])) {
    const numbers = first.filter((entry) => laneOf(entry) === lane).map(({ number }) => number);
    const expected = `${numbers.length} messages with sum ${numbers.reduce((sum, number) => sum + number, 0)}`;
    const { count = 0, sum = 0 } = counted.get(lane) ?? {};
    const found = `${count} messages with sum ${sum}`;
    if (found !== expected) faults.push(`counted on ${lane}: ${found}, not ${expected}`);
  }
  return faults;
}
