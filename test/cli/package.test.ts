import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';

const program = path.resolve('src/cli/main.ts');
const run = (args: readonly string[], cwd: string) =>
  spawnSync(process.execPath, [program, 'package', ...args], { cwd, encoding: 'utf8' });

test('outside a checkout, package says where it works', () => {
  const result = run([], tmpdir());
  expect(result).toMatchObject({ status: 64, stderr: expect.stringContaining('[cli/package/no-checkout]') });
  const help = run(['--help'], tmpdir());
  expect(help).toMatchObject({ status: 0, stdout: expect.stringContaining('It works in a checkout alone.') });
});

test("in a checkout, package has the packager's own options and exit codes", () => {
  expect(run(['--help'], '.')).toMatchObject({ status: 0, stdout: expect.stringContaining('--uncached') });
  const refused = run(['--stack', 'cflinuxfs4', '--fast', 'yes'], '.');
  expect(refused).toMatchObject({ status: 64, stderr: expect.stringContaining("unknown option '--fast'") });
});
