import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { variableSettings } from '../../src/contract/config/settings.ts';
import { readPage, tableUnder } from './examples.ts';

const page = readPage('operators.md');
const downloads = 'Downloading the runtime at staging';

test('the page names every variable of a download with its default', () => {
  const described = [...variableSettings]
    .filter(([name]) => /DEPENDENCY|DOWNLOAD/.test(name))
    .map(([name, variable]) => [name, variable.default ?? 'none']);
  const listed = tableUnder(page, downloads).map(([name, , value]) => [name, value]);
  expect(listed).toEqual(expect.arrayContaining(described));
});

test('the options of `npm run package` on the page are those that it has', () => {
  const command = ['src/packager/main.ts', 'package', '--help'];
  const help = execFileSync(process.execPath, command, { encoding: 'utf8' });
  const named = new Set([...page.matchAll(/(?<=`|package -- )--[a-z]+/g)].map(([option]) => option));
  const known = [...help.matchAll(/^ {2}(--[a-z]+)/gm)].map(([, option = '']) => option);
  expect(named).toEqual(new Set(known));
});
