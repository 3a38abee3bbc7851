import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LineFile } from '../../../src/base/log/line-file.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'meridian-lines-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function openAt(file: string, pendingBytesMax = 1_000_000) {
  const failures: string[] = [];
  const losses: number[] = [];
  const lines = await LineFile.open({
    path: file,
    pendingBytesMax,
    onFailure: (reason) => failures.push(reason),
    onLost: (count) => losses.push(count),
  });
  return { lines, failures, losses };
}

test('lines are appended in order, to what is there, by the time of closing', async () => {
  const file = path.join(directory, 'lines');
  for (const part of [['a', 'b'], ['c']]) {
    const { lines } = await openAt(file);
    for (const line of part) lines.write(line);
    await lines.close();
  }
  expect(readFileSync(file, 'utf8')).toBe('a\nb\nc\n');
});

test('what waits for the disk is bounded, and what is over it is counted and told', async () => {
  const file = path.join(directory, 'lines');
  const { lines, failures, losses } = await openAt(file, 100);
  for (let index = 0; index < 50; index += 1) lines.write('x'.repeat(20));
  await lines.close();
  const kept = readFileSync(file, 'utf8').trim().split('\n').length;
  expect(lines.linesLost).toBe(50 - kept);
  expect(kept).toBeGreaterThanOrEqual(5);
  expect(failures).toEqual(['more than 100 bytes wait for the disk']);
  expect(losses).toEqual([lines.linesLost]);
});

test('a full disk costs lines, each row of them told once', async () => {
  const { lines, failures, losses } = await openAt('/dev/full');
  for (const line of ['a', 'b', 'c']) lines.write(line);
  await lines.close();
  expect(failures).toEqual([expect.stringContaining('ENOSPC')]);
  expect(losses).toEqual([3]);
});

test('reopened, it goes on in a new file of the same name', async () => {
  const file = path.join(directory, 'lines');
  const { lines } = await openAt(file);
  lines.write('old');
  await lines.close();
  const again = await openAt(file);
  renameSync(file, `${file}.1`);
  again.lines.reopen();
  again.lines.write('new');
  await again.lines.close();
  expect([readFileSync(`${file}.1`, 'utf8'), readFileSync(file, 'utf8')]).toEqual(['old\n', 'new\n']);
});

test('a file in a folder that does not exist cannot be opened', async () => {
  await expect(openAt(path.join(directory, 'none', 'lines'))).rejects.toThrow('ENOENT');
});
