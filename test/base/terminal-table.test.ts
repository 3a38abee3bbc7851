import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { headedTable, wrappedRows } from '../../src/base/output/terminal-table.ts';

describe('a table with headings', () => {
  const headings = ['INSTANCE', 'PATTERN', 'WHY'];
  const rows = [
    ['quotes-1', 'platform.data.*', 'rules[0]'],
    ['oms-1', 'platform.oms.orders', 'rules[1], approved by ops at 2026-05-04T03:02:01.000Z'],
    ['risk-1', 'platform.risk.*', ''],
  ];

  test('has one line for each row where it fits, and where nobody looks at a terminal', () => {
    const lines = headedTable(headings, rows, undefined);
    expect(lines).toHaveLength(4);
    expect(lines[0]).toBe('INSTANCE  PATTERN              WHY');
    expect(headedTable(headings, rows, 100)).toEqual(lines);
  });

  test('has a block of lines for each row where it does not fit, without empty cells', () => {
    expect(headedTable(headings, rows, 50)).toEqual([
      'INSTANCE  quotes-1',
      'PATTERN   platform.data.*',
      'WHY       rules[0]',
      '',
      'INSTANCE  oms-1',
      'PATTERN   platform.oms.orders',
      'WHY       rules[1], approved by ops at',
      '          2026-05-04T03:02:01.000Z',
      '',
      'INSTANCE  risk-1',
      'PATTERN   platform.risk.*',
    ]);
  });
});

test('a wrapped text keeps its words and its column, and fits unless a word does not', () => {
  const word = fc.stringMatching(/^[a-z|]{1,12}$/);
  const text = fc.array(word, { maxLength: 30 }).map((words) => words.join(' '));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(word, text), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 34, max: 120 }),
      (rows, columns) => {
        const lines = wrappedRows(rows, columns);
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
        const words = (texts: readonly string[]): string[] => texts.join(' ').split(/ +/).filter(Boolean);
        expect(words(lines)).toEqual(words(rows.map((row) => row.join(' '))));
        const start = 2 + Math.max(...rows.map(([first]) => first.length));
        for (const line of lines) if (line.startsWith(' ')) expect(line.slice(0, start).trim()).toBe('');
        expect(wrappedRows(rows, undefined)).toHaveLength(rows.length);
      },
    ),
  );
});
