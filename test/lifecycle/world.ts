import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEngine } from '../engine/private-engine.ts';
import { importStackImage } from '../engine/stack-image.ts';
import { unzip } from '../packager/checkout.ts';
import { proofTable } from './proof-table.ts';

/** What all tests of the lifecycle share, made once. */
export interface LifecycleWorld {
  /** DOCKER_HOST of an engine of our own. */
  readonly engineHost: string;
  /** An image of the stack, with the platform's user. */
  readonly stackImage: string;
  /** Holds Cloud Foundry's own `builder` and `launcher`. */
  readonly toolsDir: string;
  /** The zip that `npm run package` made. */
  readonly packageFile: string;
  /** The same zip unpacked, as the platform keeps the buildpacks that its operator installed. */
  readonly packageDir: string;
  /** Takes the directories of the run, and is gone after it. */
  readonly scratchDir: string;
  /** Where a passed test leaves a line of what it proved. */
  readonly proofFile: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    lifecycle: LifecycleWorld;
  }
}

const root = path.resolve(import.meta.dirname, '../..');
const buildDir = path.join(root, 'build/lifecycle');

/** Builds the tools, makes the package, starts the engine; prints at the end what was proved. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const at = (name: string): string => path.join(buildDir, name);
  mkdirSync(buildDir, { recursive: true });
  buildTools(at('tools'));
  const packageFile = makePackage(at('package'));
  const packageDir = at('meridian_sidecar');
  rmSync(packageDir, { recursive: true, force: true });
  unzip(packageFile, packageDir);
  const proofFile = at('proofs.jsonl');
  writeFileSync(proofFile, '');

  const scratchDir = mkdtempSync(path.join(os.tmpdir(), 'meridian-lifecycle-'));
  const engine = await startEngine(path.join(scratchDir, 'engine'));
  const stackImage = 'stack:test';
  await importStackImage(engine.host, stackImage);
  project.provide('lifecycle', {
    ...{ engineHost: engine.host, stackImage, scratchDir, proofFile },
    ...{ toolsDir: at('tools'), packageFile, packageDir },
  });
  return async () => {
    await engine.stop();
    rmSync(scratchDir, { recursive: true, force: true });
    process.stdout.write(proofTable(readFileSync(proofFile, 'utf8')));
  };
}

/** Builds Cloud Foundry's builder and launcher at the versions of go.mod. */
function buildTools(toolsDir: string): void {
  // The module has no go.mod, so Go takes it for code of its version 1.16, which it is not.
  const language = '-gcflags=code.cloudfoundry.org/buildpackapplifecycle/...=-lang=go1.25';
  const flags = ['-mod=readonly', '-trimpath', '-buildvcs=false', language, '-o', `${toolsDir}${path.sep}`];
  // Without C the programs run on whatever libraries the stack has.
  const env = { ...process.env, CGO_ENABLED: '0' };
  execFileSync('go', ['build', ...flags, 'tool'], {
    cwd: import.meta.dirname,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

function makePackage(outDir: string): string {
  const command = ['src/packager/main.ts', 'package', '--json', '--out', outDir];
  const made = JSON.parse(execFileSync(process.execPath, command, { cwd: root, encoding: 'utf8' }));
  const [{ path: file }] = made as [{ readonly path: string }];
  return path.resolve(root, file);
}
