import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { exitCodes } from '../src/contract/config/exit-codes.ts';
import { tableUnder } from './docs/examples.ts';
import { raisedErrors } from './error-ids.ts';
import { root } from './tidy-sources.ts';

const page = readFileSync(path.join(root, 'docs/errors.md'), 'utf8');
const rows = [...page.matchAll(/^\| `([\w-]+\/[\w-]+\/[\w-]+)` \|(.*)\| *([\w–]+) *\|$/gm)].map(
  ([, id = '', cells = '', exitCode = '']) => ({ id, cells: cells.split(' | ').map((cell) => cell.trim()), exitCode }),
);
const raised = raisedErrors();

test('docs/errors.md explains every error id of the product, each once, and no other', () => {
  const ids = rows.map(({ id }) => id).sort((a, b) => a.localeCompare(b));
  expect(ids).toEqual(raised.map(({ id }) => id));
});

test('each says what it means and what to do', () => {
  expect(rows.filter(({ cells }) => cells.length !== 2 || cells.some((cell) => cell === ''))).toEqual([]);
});

test('each has the exit code that the sources give it', () => {
  const wrong = rows.flatMap(({ id, exitCode }) => {
    const expected = raised.find((each) => each.id === id)?.exitCode;
    return expected === undefined || String(expected) === exitCode ? [] : [{ id, exitCode, expected }];
  });
  expect(wrong).toEqual([]);
});

test('the page lists every exit code', () => {
  const codes = tableUnder(page, 'Exit codes').map(([code]) => Number(code));
  expect(codes).toEqual(Object.values(exitCodes).sort((a, b) => a - b));
});
