import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { removeTree } from '../../src/local/droplet-files.ts';
import { instanceEnvironment } from '../../src/local/platform-environment.ts';
import { type RunningProcess, spawnProcess } from '../../src/local/process-spawner.ts';
import type { StagingResult } from '../../src/local/staging-result.ts';
import { freePort, startBus, type Watched, watch } from './loopback-world.ts';
import { pluginStaging, readManifest } from './node-plugin.ts';
import { buildLifecycle, launcherFile, stageWithBuilder } from './real-lifecycle.ts';

let workDir: string;
let staged: { readonly result: StagingResult; readonly dropletDir: string };

beforeAll(async () => {
  buildLifecycle();
  workDir = await mkdtemp(path.join(os.tmpdir(), 'meridian-hold-'));
  staged = await stageWithBuilder(await pluginStaging(workDir));
}, 300_000);
afterAll(() => removeTree(workDir));

interface Container {
  readonly lines: readonly string[];
  readonly said: Watched;
  /** Starts a command under the real launcher, as a process of a type, or as a task when that is undefined. */
  readonly start: (name: string, command: string, processType?: string) => Promise<RunningProcess>;
}

async function container(): Promise<Container> {
  const lines: string[] = [];
  const said = watch(lines);
  const env = {
    SIDECAR_HOLD_APP: 'true',
    SIDECAR_BUS_API_URL: await startBus(),
    SIDECAR_ADDR: `127.0.0.1:${await freePort()}`,
    SIDECAR_HEALTH_ADDR: `127.0.0.1:${await freePort()}`,
  };
  const manifest = await readManifest();
  const { dropletDir } = staged;
  return {
    lines,
    said,
    async start(name, command, processType) {
      const own = instanceEnvironment({ manifest, dropletDir, processType: processType ?? '', memoryMb: 128, env });
      const { process_type: _, ...application } = JSON.parse(own['VCAP_APPLICATION'] ?? '{}') as object & {
        process_type: string;
      };
      const running = spawnProcess({
        file: launcherFile,
        args: [path.join(dropletDir, 'app'), command, ''],
        env: processType === undefined ? { ...own, VCAP_APPLICATION: JSON.stringify(application) } : own,
        cwd: dropletDir,
        onLine: (line) => said.push(`${name}: ${line}`),
      });
      onTestFinished(async () => {
        running.killGroup();
        await running.exited;
      });
      return running;
    },
  };
}

const webCommand = (): string => staged.result.process_types['web'] ?? '';
const sidecarCommand = (): string => staged.result.sidecars?.[0]?.command ?? '';

test('the app that starts first waits for its sidecar', async () => {
  const { said, lines, start } = await container();
  await start('web', webCommand(), 'web');
  await said.line(/^web: Invoking pre-start scripts/);
  await start('sidecar', sidecarCommand(), 'web');
  await said.line(/^web: running$/);
  const at = (pattern: RegExp): number => lines.findIndex((line) => pattern.test(line));
  expect(at(/^sidecar: Invoking start command/)).toBeGreaterThan(-1);
  expect(at(/^web: meridian-sidecar: the sidecar is READY/)).toBeGreaterThan(
    at(/^sidecar: INFO {2}plugin port listens/),
  );
  expect(at(/^web: Invoking start command/)).toBeGreaterThan(at(/^web: meridian-sidecar: the sidecar is READY/));
});

test('the app whose sidecar is ready starts at once', async () => {
  const { said, lines, start } = await container();
  await start('sidecar', sidecarCommand(), 'web');
  await said.line(/^sidecar: INFO {2}startup 8\/8/);
  await start('web', webCommand(), 'web');
  await said.line(/^web: running$/);
  expect(lines).toContainEqual(
    expect.stringMatching(/^web: meridian-sidecar: the sidecar is READY after [01] s; the app starts$/),
  );
});

test('a task, which has no sidecar, does not wait', async () => {
  const { lines, start } = await container();
  const task = await start('task', 'echo "$SIDECAR_ADDR" done');
  expect(await task.exited).toBe(0);
  await task.closed;
  expect(lines).toEqual([
    'task: Invoking pre-start scripts.',
    'task: Invoking start command.',
    expect.stringMatching(/^task: 127\.0\.0\.1:\d+ done$/),
  ]);
});
