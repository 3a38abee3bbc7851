import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { UserFacingError } from '../../src/base/user-facing-error.ts';
import { stage } from '../../src/local/stage.ts';
import type { StagingResult } from '../../src/local/staging-result.ts';
import { temporaryDir, writeTree } from '../local/fixture-tree.ts';
import { stageWithBuilder } from './real-builder.ts';

type Tree = Readonly<Record<string, string>>;

const bash = (body: string): string => `#!/usr/bin/env bash\nset -eu\n${body}\n`;
const writesLaunchYml = (text: string): string => bash(`cat >"$3/$4/launch.yml" <<'YAML'\n${text}\nYAML`);
const sidecar = (memory: string): string =>
  `processes: [{type: agent, command: run, limits: {memory: ${memory}}, platforms: {cloudfoundry: {sidecar_for: [web]}}}]`;
const supply = { 'bin/supply': writesLaunchYml(sidecar('64')) };
const final = {
  'bin/finalize': bash('true'),
  'bin/release': bash('echo "default_process_types: {web: node app.js}"'),
};

async function world(app: Tree, first: Tree, last: Tree): Promise<{ dir: string; buildpackDirs: string[] }> {
  const dir = await temporaryDir();
  await writeTree(path.join(dir, 'app'), { 'app.js': '', ...app });
  const buildpackDirs = [
    await writeTree(path.join(dir, 'first'), first),
    await writeTree(path.join(dir, 'last'), last),
  ];
  return { dir, buildpackDirs };
}

/** The processes and sidecars of a staging, or the exit code of one that failed. */
async function localOutcome(app: Tree, first: Tree, last: Tree): Promise<unknown> {
  const { dir, buildpackDirs } = await world(app, first, last);
  const output = { stdout() {}, stderr() {} };
  return await stage({
    appDir: path.join(dir, 'app'),
    outDir: path.join(dir, 'out'),
    buildpackDirs,
    env: {},
    output,
  }).then(outcomeOf, (error: unknown) => (error instanceof UserFacingError ? error.exitCode : error));
}

async function realOutcome(app: Tree, first: Tree, last: Tree): Promise<unknown> {
  const { dir, buildpackDirs } = await world(app, first, last);
  const { exitCode, result } = await stageWithBuilder({
    workDir: await temporaryDir(),
    appDir: path.join(dir, 'app'),
    buildpacks: buildpackDirs.map((each) => ({ key: path.basename(each), dir: each })),
    env: { PATH: '/usr/bin:/bin' },
  });
  return exitCode === 0 && result ? outcomeOf(result) : exitCode;
}

function outcomeOf({ process_types, sidecars }: StagingResult): unknown {
  return { process_types, sidecars };
}

describe('any buildpacks', () => {
  test.each<[string, Tree, Tree, Tree]>([
    ['a sidecar beside a process of release', {}, supply, final],
    ['a Procfile that erases the sidecar', { Procfile: 'agent: echo' }, supply, final],
    ['a Procfile that replaces web', { Procfile: 'web: other' }, supply, final],
    ['a launch.yml of the final buildpack', {}, supply, { 'bin/finalize': writesLaunchYml(sidecar('32')) }],
    [
      'a final buildpack with compile',
      {},
      supply,
      { 'bin/compile': bash('true'), 'bin/release': final['bin/release'] },
    ],
    ['a fraction as memory', {}, { 'bin/supply': writesLaunchYml(sidecar('64.7')) }, final],
    ['a quoted memory', {}, { 'bin/supply': writesLaunchYml(sidecar('"64"')) }, final],
    ['a failing supply', {}, { 'bin/supply': bash('exit 3') }, final],
    ['a first buildpack without supply', {}, final, final],
    ['a failing supply of the final buildpack', {}, supply, { ...final, 'bin/supply': bash('exit 3') }],
    ['a failing finalize', {}, supply, { ...final, 'bin/finalize': bash('exit 3') }],
    ['a final buildpack without finalize and compile', {}, supply, supply],
    ['a failing release', {}, supply, { ...final, 'bin/release': bash('exit 3') }],
    ['a release that prints no YAML', {}, supply, { ...final, 'bin/release': bash('echo "a: [b"') }],
    ['a Procfile that is no YAML', { Procfile: 'a: [b' }, supply, final],
  ])('both builders agree on %s', async (_what, app, first, last) => {
    expect(await localOutcome(app, first, last)).toEqual(await realOutcome(app, first, last));
  });
});
