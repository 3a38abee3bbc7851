import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import { type CaseName, dirOf, stagingCase } from './staging-cases.ts';

const run = promisify(execFile);
export const cliFile = path.resolve(import.meta.dirname, '../../dist/cli.mjs');

export interface LocalStaging {
  readonly exitCode: number;
  readonly outDir: string;
}

const staged = new Map<CaseName, Promise<LocalStaging>>();

/** What `meridian-sidecar stage` makes of a case with the same directories, run as a user runs it; once for all tests. */
export function stagedLocally(name: CaseName): Promise<LocalStaging> {
  const found = staged.get(name) ?? stageLocally(name);
  staged.set(name, found);
  return found;
}

async function stageLocally(name: CaseName): Promise<LocalStaging> {
  const { appDir, buildpacks, needs } = stagingCase(name);
  const outDir = await mkdtemp(path.join(inject('lifecycle').scratchDir, 'local-'));
  const needed = Object.entries((await needs?.()) ?? {}).flatMap(([variable, value]) => [
    '--env',
    `${variable}=${value}`,
  ]);
  const flags = buildpacks.flatMap((buildpack) => ['--buildpack', dirOf(buildpack)]);
  const command = [cliFile, 'stage', appDir, '--out', outDir, ...flags, ...needed];
  const exitCode = await run(process.execPath, command, { env: { PATH: '/usr/bin:/bin' } }).then(
    () => 0,
    ({ code }: { readonly code: number }) => code,
  );
  return { exitCode, outDir };
}
