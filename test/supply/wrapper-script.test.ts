import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { depsPaths } from '../../src/buildpack/layout.ts';
import { runtimeFlags } from '../../src/buildpack/runtime-flags.ts';
import { wrapperScript } from '../../src/supply/wrapper-script.ts';

let own: string;

beforeAll(() => {
  own = path.join(mkdtempSync(path.join(tmpdir(), 'meridian-wrapper-')), 'a deps', '0');
  // In the runtime's place stands a script that shows how it was called.
  write(depsPaths.runtime, `#!/bin/bash\nprintf "%s\\n" "$@"\n`);
  write(depsPaths.wrapper, wrapperScript);
});
afterAll(() => rmSync(path.dirname(path.dirname(own)), { recursive: true }));

function write(name: string, text: string): void {
  mkdirSync(path.dirname(path.join(own, name)), { recursive: true });
  writeFileSync(path.join(own, name), text);
  chmodSync(path.join(own, name), 0o755);
}

function call(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  file: string = depsPaths.wrapper,
) {
  const env = { PATH: '/usr/bin:/bin', ...environment };
  const { stdout, stderr, status } = spawnSync(path.resolve(own, file), args, { env, encoding: 'utf8' });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return stdout.trimEnd().replaceAll(own, '~').split('\n');
}

const bounded = (megabytes: number): string[] => [...runtimeFlags, `--max-old-space-size=${megabytes}`];

test.each<[string | undefined, readonly string[]]>([
  ['128m', bounded(64)],
  ['128M', bounded(64)],
  ['128MB', bounded(64)],
  ['129m', bounded(64)],
  ['1G', bounded(512)],
  ['1g', bounded(512)],
  ['0128m', bounded(64)],
  ['08m', bounded(32)],
  ['40m', bounded(32)],
  ['0m', bounded(32)],
  ['999999999G', bounded(511_999_999_488)],
  [undefined, runtimeFlags],
  ['', runtimeFlags],
  ['128', runtimeFlags],
  ['-128m', runtimeFlags],
  ['1.5G', runtimeFlags],
  ['much', runtimeFlags],
  ['64m; exit 3', runtimeFlags],
  ['99999999999999999999m', runtimeFlags],
])('MEMORY_LIMIT %j gives V8 %j', (limit, flags) => {
  const environment: Record<string, string> = limit === undefined ? {} : { MEMORY_LIMIT: limit };
  expect(call(['run'], environment)).toEqual([...flags, '~/meridian/sidecar.mjs']);
});

test('run starts the sidecar and passes the rest on; every other command is the command line', () => {
  expect(call(['run', 'a b']).slice(runtimeFlags.length)).toEqual(['~/meridian/sidecar.mjs', 'a b']);
  expect(call(['wait', '--timeout', '1s']).slice(runtimeFlags.length)).toEqual([
    '~/meridian/cli.mjs',
    'wait',
    '--timeout',
    '1s',
  ]);
  expect(call([]).slice(runtimeFlags.length)).toEqual(['~/meridian/cli.mjs']);
});

test("the image's command gives the runtime the same flags", () => {
  const command = path.resolve(import.meta.dirname, '../../src/compose/image/meridian-sidecar');
  expect(readFileSync(command, 'utf8')).toContain(`exec node ${runtimeFlags.join(' ')} $heap `);
});

test('it finds its runtime through a link', () => {
  const link = path.join(path.dirname(own), 'link');
  symlinkSync(path.join(own, depsPaths.wrapper), link);
  expect(call(['run'], {}, link)).toContain('~/meridian/sidecar.mjs');
});
