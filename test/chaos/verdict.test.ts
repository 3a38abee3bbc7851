import { describe, expect, test } from 'vitest';
import type { CounterEntry, LedgerEntry, PublisherEntry } from './entries.ts';
import { judge } from './verdict.ts';

type Outcome = Extract<PublisherEntry, { kind: 'answered' }>['outcome'];

const sent = (number: number, outcome?: Outcome): PublisherEntry[] => {
  const id = { topic: 't', number };
  return [{ kind: 'sent', ...id }, ...(outcome ? [{ kind: 'answered', ...id, outcome } as const] : [])];
};

const taken = (number: number, more: { marked?: boolean; messageId?: string } = {}) => {
  const of = { publisher: 'p', topic: 't', number, messageId: `m${number}`, position: `${number}`, marked: false };
  return { ...of, ...more };
};

const received = (...args: Parameters<typeof taken>): LedgerEntry => ({ kind: 'received', ...taken(...args) });

const counted = (count: number, sum: number): CounterEntry => ({
  kind: 'final',
  tally: { position: '9', lanes: { 'p t': { last: 9, count, sum } } },
});

interface Run {
  readonly sent: readonly PublisherEntry[];
  readonly ledger: readonly LedgerEntry[];
  readonly counter: readonly CounterEntry[];
}

function judged({ sent, ledger, counter }: Run) {
  return judge({
    published: new Map([['p', sent]]),
    ledger: { pattern: '**', entries: ledger },
    counter: { pattern: 't', entries: counter },
  });
}

const good: Run = {
  sent: [sent(1, 'accepted'), sent(2, 'unknown'), sent(3), sent(4, 'refused'), sent(5, 'accepted')].flat(),
  ledger: [received(1), received(3, { marked: true }), received(1, { marked: true }), received(5)],
  counter: [counted(3, 9)],
};

describe('the verdict', () => {
  test('finds no fault with a repeat that is marked, and with an unknown message there or not', () => {
    expect(judged(good)).toEqual({ accepted: 2, unknown: 2, refused: 1, repeatsMarked: 1, faults: [] });
  });

  test('takes a message for accepted when one of its attempts was', () => {
    const retried = [...good.sent, ...sent(2, 'accepted'), ...sent(6, 'unknown'), ...sent(6, 'refused')];
    const ledger = [received(1), received(2), received(3), received(5)];
    const verdict = judged({ sent: retried, ledger, counter: [counted(4, 11)] });
    expect(verdict).toMatchObject({ accepted: 3, unknown: 2, refused: 1, faults: [] });
  });

  test.each<[string, Partial<Run>, string[]]>([
    ['a lost message', { ledger: good.ledger.slice(0, 3), counter: [counted(2, 4)] }, ['lost: p t 5']],
    ['a repeat without a mark', { ledger: [...good.ledger, received(1)] }, ['repeated without a mark: p t 1']],
    [
      'a first delivery after a later one',
      { ledger: [received(1), received(5), received(3)] },
      ['out of order: p t 3 after 5'],
    ],
    [
      'a message that was refused',
      { ledger: [received(1), received(3), received(4), received(5)], counter: [counted(4, 13)] },
      ['delivered though refused: p t 4'],
    ],
    [
      'a message that nobody sent',
      { ledger: [...good.ledger, received(9)], counter: [counted(4, 18)] },
      ['never sent: p t 9'],
    ],
    [
      'a message that is stored under two ids',
      { ledger: [...good.ledger, received(5, { messageId: 'other' })], counter: [counted(4, 14)] },
      ['stored twice: p t 5, again as other'],
    ],
    [
      'a message that is not in the state',
      { counter: [counted(2, 4)] },
      ['counted on p t: 2 messages with sum 4, not 3 messages with sum 9'],
    ],
    [
      'a message that comes again after its state was stored',
      { counter: [{ kind: 'repeated', ...taken(3) }, counted(3, 9)] },
      ['came again after its state was stored: p t 3'],
    ],
  ])('names %s', (_, change, faults) => {
    expect(judged({ ...good, ...change }).faults).toEqual(faults);
  });
});
