import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { UserFacingError } from '../../src/base/user-facing-error.ts';
import { stage } from '../../src/local/stage.ts';
import type { Sidecar, StagingResult } from '../../src/local/staging-result.ts';
import { temporaryDir, writeTree } from '../local/fixture-tree.ts';
import { stageWithBuilder } from './real-builder.ts';

const bash = (body: string): string => `#!/usr/bin/env bash\nset -eu\n${body}\n`;
const agent = '{type: agent, command: run, limits: {memory: 64}, platforms: {cloudfoundry: {sidecar_for: [web]}}}';
const supplying = { 'bin/supply': bash(`echo 'processes: [${agent}]' >"$3/$4/launch.yml"`) };
const silent = { 'bin/supply': bash('true') };
const final = {
  'bin/finalize': bash('true'),
  'bin/release': bash('echo "default_process_types: {web: node app.js}"'),
};

/** The sidecars of a staging by the real builder and by ours, or their exit codes. */
async function outcomes(workDir: string, buildpackDirs: readonly string[]): Promise<unknown[]> {
  const appDir = await writeTree(path.join(workDir, 'source'), { 'app.js': '' });
  const output = { stdout() {}, stderr() {} };
  const sidecarsOf = ({ sidecars = [] }: StagingResult): Sidecar['name'][] => sidecars.map(({ name }) => name);
  const { exitCode, result } = await stageWithBuilder({
    workDir,
    appDir,
    buildpacks: buildpackDirs.map((dir) => ({ key: path.basename(dir), dir })),
    env: { PATH: '/usr/bin:/bin' },
  });
  return [
    exitCode === 0 && result ? sidecarsOf(result) : exitCode,
    await stage({ appDir, outDir: path.join(workDir, 'local'), buildpackDirs, env: {}, output }).then(
      sidecarsOf,
      (error) => (error instanceof UserFacingError ? error.exitCode : error),
    ),
  ];
}

/** That many buildpacks, the one at `index` with a sidecar, the last one final. */
async function buildpacks(workDir: string, count: number, index: number): Promise<string[]> {
  return await Promise.all(
    Array.from({ length: count }, (_, at) => {
      const tree = at === index ? supplying : at === count - 1 ? final : silent;
      return writeTree(path.join(workDir, `buildpack-${at}`), tree);
    }),
  );
}

describe('ten buildpacks and more', () => {
  test.each([
    ['nine keep every sidecar', 9, 7, ['agent']],
    ['ten lose those of the first ten', 10, 3, []],
    ['twelve lose those of the first ten', 12, 9, []],
    ['twelve keep that of the eleventh', 12, 10, ['agent']],
  ])('%s, with both builders', async (_fact, count, index, sidecars) => {
    const workDir = await temporaryDir();
    expect(await outcomes(workDir, await buildpacks(workDir, count, index))).toEqual([sidecars, sidecars]);
  });
});
