import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { readTextIfPresent } from '../../src/local/droplet-files.ts';
import type { StagingResult } from '../../src/local/staging-result.ts';
import { comparableLog, comparableResult } from './comparable.ts';
import { dropletTree } from './droplet-tree.ts';
import { type Staged, stagedCase, stageFromZip } from './staged-cases.ts';
import { stagedLocally } from './staged-locally.ts';
import { allStagingCases, type CaseName } from './staging-cases.ts';

/** What a user gets of a staging, as one text to review. */
async function report(staged: Staged): Promise<string> {
  const { exitCode, log, result } = staged;
  const info = await readTextIfPresent(path.join(staged.dropletDir, 'staging_info.yml'));
  return [
    comparableLog(log).trimEnd(),
    `\n== exit code ${exitCode}`,
    `== result.json\n${JSON.stringify(result && comparableResult(result), undefined, 2)}`,
    ...(info === undefined ? ['== no droplet'] : [`== staging_info.yml\n${info.trimEnd()}`]),
    '',
  ]
    .join('\n')
    .replace(/(?<![\d.])\d+\.\d+\.\d+(?![\d.])/g, 'VERSION');
}

describe.each(allStagingCases)('$name', (one) => {
  const staged = (): Promise<Staged> => stagedCase(one.name as CaseName);

  test(`${one.about} staged by the builder from a directory`, async () => {
    const outcome = await staged();
    expect(outcome.exitCode, outcome.log).toBe(one.exitCode);
    await expect(await report(outcome)).toMatchFileSnapshot(`staged/${one.name}.txt`);
  });

  test(`${one.about} staged by the builder from the zip over HTTP, alike`, async () => {
    const outcome = await stageFromZip(one);
    await expect(await report(outcome)).toMatchFileSnapshot(`staged/${one.name}.txt`);
    if (one.exitCode === 0) {
      expect(await dropletTree(outcome.dropletDir)).toEqual(await dropletTree((await staged()).dropletDir));
    }
  });

  test(`${one.about} staged by meridian-sidecar stage with the same outcome`, async () => {
    const real = await staged();
    const { exitCode, outDir } = await stagedLocally(one.name as CaseName);
    expect(exitCode).toBe(one.exitCode);
    if (one.exitCode !== 0) return;
    const result = JSON.parse((await readTextIfPresent(path.join(outDir, 'result.json'))) ?? '') as StagingResult;
    expect(comparableResult(result)).toEqual(real.result && comparableResult(real.result));
    expect(await dropletTree(path.join(outDir, 'droplet'))).toEqual(await dropletTree(real.dropletDir));
  });
});
