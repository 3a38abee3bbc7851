import { afterEach, expect, test } from 'vitest';
import { parsePolicy } from '../../src/bus/access/policy.ts';
import { exitCodes } from '../../src/contract/config/exit-codes.ts';
import { endAll, runCli } from '../sidecar/processes.ts';
import { readPage, tableUnder } from './examples.ts';

const page = readPage('shell.md');

afterEach(endAll);

test('the rule on the page is one', () => {
  const [, rule = ''] = /^```yaml\n(.*?)^```/ms.exec(page) ?? [];
  expect(parsePolicy({ path: 'shell.md', text: `deployment: test\n${rule}` }).rules).toHaveLength(1);
});

test('the page names every option of the commands, and no other', async () => {
  const helps = ['pub', 'sub', 'request'].map((command) => runCli(command, '--help'));
  await Promise.all(helps.map(({ exited }) => exited));
  const known = helps.flatMap(({ stdout }) => [...stdout.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, option]) => option));
  const named = [...page.matchAll(/--[a-z]+(?:-[a-z]+)*/g)].map(([option]) => option);
  expect(new Set(named)).toEqual(new Set(known));
});

test('the exit codes of a request on the page are those of the program', () => {
  const { clean, noHandler, pluginFaulted, grantsUndecided, refused } = exitCodes;
  const codes = tableUnder(page, 'Asking').map(([, code]) => Number(code));
  expect(codes).toEqual([clean, noHandler, pluginFaulted, grantsUndecided, refused]);
});
