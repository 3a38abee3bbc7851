import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AuditChain } from '../../src/audit/audit-chain.ts';
import { boundedLines } from '../../src/audit/verify/bounded-lines.ts';
import { type AuditFile, type Verdict, verifyAudit } from '../../src/audit/verify/verify.ts';

const marked = (point: string, facts = {}): string => JSON.stringify({ time: 't', point, writer: 'bus', ...facts });
const message = (id: number): string =>
  JSON.stringify({ time: 't', point: 'route', kind: 'call', message_id: `m${id}` });

/** What one process writes: an opening line, so many of messages, and a closing one. */
function run(messages: number, after?: string): string[] {
  const chain = new AuditChain(randomBytes(8).toString('hex'));
  const records = [
    marked('open', { ...(after && { after }) }),
    ...Array.from({ length: messages }, (_, id) => message(id)),
  ];
  return [...records, marked('close')].map((record) => chain.seal(record));
}

async function* partsOf(text: string): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += 7) yield text.slice(at, at + 7);
}

const fileOf = (name: string, lines: readonly string[]): AuditFile => ({
  name,
  lines: boundedLines(partsOf(lines.map((line) => `${line}\n`).join(''))),
});

const verify = (...files: readonly (readonly string[])[]): Promise<Verdict> =>
  verifyAudit(
    files.map((lines, index) => fileOf(`file-${index}`, lines)),
    [],
  );

const kindsOf = ({ findings }: Verdict): string[] => findings.map(({ kind }) => kind);

const chainOf = (line: string | undefined): string => (JSON.parse(line ?? '{}') as { chain: string }).chain;

test('what nobody touched is whole, over restarts in one file and over files', async () => {
  const [first, second] = [run(3), run(2)];
  expect(kindsOf(await verify(first))).toEqual([]);
  expect(kindsOf(await verify(first, second))).toEqual([]);
  const restarted = [...first, ...run(2, chainOf(first.at(-1)))];
  expect(kindsOf(await verify(restarted))).toEqual([]);
  expect(kindsOf(await verify(restarted.slice(0, 3), restarted.slice(3)))).toEqual([]);
  expect(kindsOf(await verify(restarted.slice(3), restarted.slice(0, 3)))).toEqual([]);
});

const byRun = (lines: readonly string[]): string =>
  [...Map.groupBy(lines, (line) => /"run":"\w+"/.exec(line)?.[0]).values()]
    .map((each) => each.join('\n'))
    .toSorted((one, other) => one.localeCompare(other))
    .join('\n');

const edits: Record<string, (lines: string[], at: number, other: number) => string[]> = {
  'a line cut': (lines, at) => lines.toSpliced(at, 1),
  'a line changed': (lines, at) => lines.with(at, (lines[at] ?? '').replace('"time":"t"', '"time":"u"')),
  'a hash changed': (lines, at) => lines.with(at, (lines[at] ?? '').replace(/"chain":"./, '"chain":"_')),
  'a line added': (lines, at) => lines.toSpliced(at, 0, message(99)),
  'a line there twice': (lines, at) => lines.toSpliced(at, 0, lines[at] ?? ''),
  'two lines changed places': (lines, at, other) => lines.with(at, lines[other] ?? '').with(other, lines[at] ?? ''),
  'lines from there on cut': (lines, at) => lines.slice(0, at),
};

test.each(Object.entries(edits))('%s is found, wherever it is', async (_, edit) => {
  const places = fc.record({ length: fc.integer({ min: 1, max: 8 }), at: fc.nat(), other: fc.nat() });
  await fc.assert(
    fc.asyncProperty(places, async ({ length, at, other }) => {
      const lines = [...run(length), ...run(length)];
      const edited = edit(lines, at % lines.length, other % lines.length);
      // Two processes may write one file at a time, each line of them at its place.
      fc.pre(byRun(edited) !== byRun(lines));
      // A run that is cut as a whole leaves no trace in the others, unless they began behind it.
      fc.pre(edited.length % (length + 2) !== 0 || edited.length === lines.length);
      expect(kindsOf(await verify(edited))).not.toEqual([]);
    }),
  );
});

test('a run that is cut as a whole is found by the one that began behind it', async () => {
  const [first, second] = [run(2), run(2)];
  const third = run(1, chainOf(second.at(-1)));
  expect(kindsOf(await verify([...first, ...third]))).toEqual(['cut']);
  expect(kindsOf(await verify(third))).toEqual(['cut']);
});

test('lines that the writer itself lost are no finding, and one more is', async () => {
  const chain = new AuditChain(randomBytes(8).toString('hex'));
  const records = [marked('open'), ...[1, 2, 3, 4].map(message), marked('lost', { lines: 2 }), marked('close')];
  const lines = records.map((record) => chain.seal(record));
  const halfWritten = (lines[2] ?? '').slice(0, 40);
  expect(kindsOf(await verify(lines.toSpliced(2, 2)))).toEqual([]);
  expect(kindsOf(await verify(lines.toSpliced(2, 2, halfWritten, '')))).toEqual([]);
  expect(kindsOf(await verify(lines.toSpliced(2, 3)))).toEqual(['cut']);
});

test('a hash that was kept elsewhere finds a chain that was made anew', async () => {
  const [kept, anew] = [run(3), run(3)];
  const { run: id, seq, chain } = JSON.parse(kept[2] ?? '') as { run: string; seq: number; chain: string };
  const heads = [{ run: id, seq, chain }];
  expect(kindsOf(await verifyAudit([fileOf('a', kept)], heads))).toEqual([]);
  expect(kindsOf(await verifyAudit([fileOf('a', anew)], heads))).toEqual(['cut']);
  expect(kindsOf(await verifyAudit([fileOf('a', kept)], [{ run: id, seq, chain: chainOf(kept[1]) }]))).toEqual([
    'changed',
  ]);
});

test('lines without a chain, and one without an end, are reported and bounded', async () => {
  const verdict = await verify([
    '{"point":"route"}',
    'x'.repeat(200_000),
    '{"point":"route"}',
    'INFO  a line of the log',
  ]);
  expect(verdict.findings).toEqual([
    { kind: 'added', file: 'file-0', line: 1, text: 'these 2 lines belong to no chain' },
  ]);
});
