import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { realScheduler } from '../../src/base/real-scheduler.ts';
import { CommandProcesses } from '../../src/cli/conformance-process.ts';
import { conformanceTests, type TestId } from '../../src/conformance/conformance-tests.ts';
import { runConformance, type TestResult } from '../../src/conformance/run-conformance.ts';
import type { Claims } from '../../src/conformance/scene.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import type { Fault } from './bad-plugin.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'bad-plugin-'));
const pluginFile = path.join(directory, 'bad-plugin.mjs');

// It is started some hundred times, and one file starts in a third of the time.
beforeAll(async () => {
  await build({
    entryPoints: [path.join(import.meta.dirname, 'bad-plugin.ts')],
    outfile: pluginFile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
  });
});
afterAll(() => rmSync(directory, { recursive: true }));

const everyTest = conformanceTests.map(({ id }) => id);

/** What fails with each fault: the test that is there to find it, and those that cannot pass without it. */
const faults: readonly (readonly [fault: Fault, fails: readonly TestId[]])[] = [
  ['never-registers', ['register', ...everyTest.filter((id) => id !== 'register')]],
  ['registers-twice', ['state-transitions']],
  ['exits-when-degraded', ['degraded-state']],
  ['answers-no-health-check', ['health-check', 'degraded-state', 'faulted-state', 'acl-enforcement']],
  ['exits-with-1', ['graceful-shutdown']],
  ['ignores-sigterm', ['graceful-shutdown']],
  ['forgets-its-state', ['state-save-load']],
  ['does-not-wait', ['sidecar-readiness']],
  ['calls-too-early', ['sidecar-readiness']],
  ['exits-after-a-freeze', ['faulted-state']],
  ['gives-no-payload-type', ['publish-envelope']],
  ['acknowledges-late', ['subscribe-and-receive']],
  ['publishes-from-the-future', ['dual-timestamps']],
  ['exits-when-refused', ['acl-enforcement']],
  ['gives-no-dedup-key', ['dedup-key']],
  ['gives-an-event-a-new-key', ['dedup-key']],
  ['gives-all-events-one-key', ['dedup-key']],
  ['registers-an-odd-version', ['schema-version']],
  ['names-no-version', ['schema-version']],
];

function judge(fault?: Fault, claims: Partial<Claims> = {}): Promise<readonly TestResult[]> {
  const command = [process.execPath, pluginFile, ...(fault ? [fault] : [])];
  return runConformance({
    around: {
      network: grpcNetwork,
      scheduler: realScheduler,
      startPlugin: new CommandProcesses(command).start,
      instanceId: 'bad-plugin',
      poolType: 'SignalPool',
    },
    grants: [],
    messages: [],
    isStrict: false,
    stepTimeoutMs: 5_000,
    ...claims,
    only: [],
    onScene() {},
  });
}

function idsOf(results: readonly TestResult[], outcome: TestResult['outcome']): TestId[] {
  return results
    .filter((result) => result.outcome === outcome)
    .map(({ test: { id } }) => id)
    .sort();
}

function seenIn(results: readonly TestResult[]): string {
  return results.map(({ test: { id }, outcome, seen }) => `${id} ${outcome}: ${seen}`).join('\n');
}

describe.concurrent('a plugin', { timeout: 120_000 }, () => {
  test('without a fault passes every test', async () => {
    const results = await judge();
    expect(results.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
    expect(results).toHaveLength(14);
  });

  test.each(faults)('that %s fails %j', async (fault, expected) => {
    const results = await judge(fault);
    expect(idsOf(results, 'failed'), seenIn(results)).toEqual([...expected].sort());
  });

  test.each([
    ['is not judged by what it does not do', {}, 'not applicable'],
    ['fails what it does not do when that is strictly expected', { isStrict: true }, 'failed'],
  ] as const)('that only registers %s', async (_what, claims, outcome) => {
    const results = await judge('only-registers', claims);
    expect(idsOf(results, outcome), seenIn(results)).toEqual([
      'acl-enforcement',
      'dedup-key',
      'dual-timestamps',
      'publish-envelope',
      'state-save-load',
      'subscribe-and-receive',
    ]);
  });

  test('that only registers fails the tests of what it is granted to publish', async () => {
    const results = await judge('only-registers', { grants: [{ action: 'publish', pattern: 'demo.*' }] });
    expect(idsOf(results, 'not applicable')).toEqual(['state-save-load', 'subscribe-and-receive']);
    expect(idsOf(results, 'failed')).toEqual(['acl-enforcement', 'dedup-key', 'dual-timestamps', 'publish-envelope']);
  });
});

test('there is a fault for each of the tests', () => {
  expect(new Set(faults.map(([, [finder]]) => finder))).toEqual(new Set(everyTest));
});
