import { afterEach, expect, test } from 'vitest';
import { problemGuide } from '../../src/bus/console/problem-guide.ts';
import { endAll, runCliWith, spawnSidecar } from '../sidecar/processes.ts';
import { readPage, tableUnder } from './examples.ts';

const page = readPage('troubleshooting.md');

afterEach(endAll);

test('the error that the page explains is what a sidecar prints', async () => {
  const [, example = ''] = /^```text\n(.*?)^```/ms.exec(page) ?? [];
  const sidecar = spawnSidecar('127.0.0.1:1', { POOL_TYPE: '' });
  expect(await sidecar.exited).toBe(78);
  expect(sidecar.stderr).toBe(example);
});

test('the commands that this page and docs/errors.md name are those that the program has', async () => {
  const text = `${page}${readPage('errors.md')}`;
  const named = new Set([...text.matchAll(/`meridian-sidecar ([a-z]+)/g)].map(([, command = '']) => command));
  const help = runCliWith({}, '--help');
  await help.exited;
  for (const command of named) expect(help.stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
});

test('the page says of each refusal and error at the bus what the console says', () => {
  const told = Object.entries(problemGuide).map(([id, { means, next }]) => [id, means, next.replaceAll('`', '')]);
  expect(tableUnder(page, 'Refusals and errors at the bus')).toEqual(told);
});
