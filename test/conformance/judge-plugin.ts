import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll } from 'vitest';
import { realScheduler } from '../../src/base/time/real-scheduler.ts';
import { CommandProcesses } from '../../src/cli/conformance/conformance-process.ts';
import type { TestId } from '../../src/conformance/conformance-tests.ts';
import { runConformance, type TestResult } from '../../src/conformance/run-conformance.ts';
import type { Expectations } from '../../src/conformance/scenario.ts';
import type { OpenedStore } from '../../src/conformance/surroundings.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';

export type JudgePlugin = (args: readonly string[], claims?: Claims) => Promise<readonly TestResult[]>;

/** Bundles a plugin of this folder, since it is started many times, and one file starts in a third of the time. */
export function judgeOf(source: string): JudgePlugin {
  const directory = mkdtempSync(path.join(tmpdir(), 'plugin-'));
  const outfile = path.join(directory, 'plugin.mjs');
  beforeAll(async () => {
    await build({
      entryPoints: [path.join(import.meta.dirname, source)],
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
    });
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  return (args, claims) => judgeCommand([process.execPath, outfile, ...args], claims);
}

type Claims = Partial<Expectations> & {
  readonly only?: readonly TestId[];
  /** Of the bus; absent: in memory. */
  readonly openStore?: () => Promise<OpenedStore>;
};

export function judgeCommand(
  command: readonly string[],
  { openStore, ...claims }: Claims = {},
): Promise<readonly TestResult[]> {
  return runConformance({
    around: {
      network: grpcNetwork,
      scheduler: realScheduler,
      startPlugin: new CommandProcesses(command).start,
      instanceId: 'judged-plugin',
      poolType: 'SignalPool',
      ...(openStore && { openStore }),
    },
    grants: [],
    messages: [],
    isStrict: false,
    stepTimeoutMs: 5_000,
    only: [],
    onScene() {},
    ...claims,
  });
}

/** The tests that ended so, sorted. */
export function idsOf(results: readonly TestResult[], outcome: TestResult['outcome']): TestId[] {
  return results
    .filter((result) => result.outcome === outcome)
    .map(({ test: { id } }) => id)
    .sort();
}

/** What was seen, for the message of a failing test. */
export function seenIn(results: readonly TestResult[]): string {
  return results.map(({ test: { id }, outcome, seen }) => `${id} ${outcome}: ${seen}`).join('\n');
}
