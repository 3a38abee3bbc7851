import path from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { realScheduler } from '../../src/base/real-scheduler.ts';
import { runCodependent } from '../../src/local/codependent.ts';
import { instanceEnvironment } from '../../src/local/platform-environment.ts';
import { spawnProcess } from '../../src/local/process-spawner.ts';
import { stage } from '../../src/local/stage.ts';
import type { StagingResult } from '../../src/local/staging-result.ts';
import { temporaryDir } from '../local/fixture-tree.ts';
import { freePort, startBus, watch } from './loopback-world.ts';
import { appDir, pluginStaging, readManifest } from './node-plugin.ts';
import { buildLifecycle, launcherFile, stageWithBuilder } from './real-lifecycle.ts';

const sidecarName = 'meridian-sidecar';

beforeAll(buildLifecycle, 300_000);

test('the real builder finds the sidecar with its memory, and agrees with the local one', async () => {
  const real = await pluginStaging(await temporaryDir());
  const { result } = await stageWithBuilder(real);
  expect(result.sidecars).toEqual([
    { name: sidecarName, process_types: ['web'], command: expect.stringMatching(/^exec "\$DEPS_DIR\//), memory: 128 },
  ]);
  expect(result.process_types).toEqual({ web: 'node plugin.js' });
  const local = await stage({
    appDir,
    outDir: path.join(real.workDir, 'local'),
    buildpackDirs: real.buildpackDirs,
    env: { FIXTURE_NODE: process.execPath },
    output: { stdout() {}, stderr() {} },
  });
  expect(comparable(local)).toEqual(comparable(result));
});

/** The builder lists processes in random order, and copies an empty `config` of a config.yml, which nobody reads. */
function comparable(result: StagingResult): StagingResult {
  const { buildpack_key, detected_buildpack, buildpacks } = result.lifecycle_metadata;
  const named = buildpacks.map(({ key, name, version }) => ({ key, name, ...(version ? { version } : {}) }));
  return {
    ...result,
    lifecycle_metadata: { ...(buildpack_key ? { buildpack_key } : {}), detected_buildpack, buildpacks: named },
    processes: (result.processes ?? []).toSorted((a, b) => a.type.localeCompare(b.type)),
  };
}

test('the real launcher runs plugin and sidecar until they have talked, and both stop gracefully', async () => {
  const { result, dropletDir } = await stageWithBuilder(await pluginStaging(await temporaryDir()));
  const manifest = await readManifest();
  const lines: string[] = [];
  const said = watch(lines);
  const busAddress = await startBus();
  const [pluginPort, healthPort] = [await freePort(), await freePort()];
  const env = {
    SIDECAR_BUS_API_URL: busAddress,
    SIDECAR_ADDR: `127.0.0.1:${pluginPort}`,
    SIDECAR_HEALTH_ADDR: `127.0.0.1:${healthPort}`,
  };
  const [sidecar] = result.sidecars ?? [];
  const commands = [
    { logSource: 'web', command: result.process_types['web'] ?? '', memoryMb: manifest.memoryMb - 128 },
    { logSource: 'sidecar', command: sidecar?.command ?? '', memoryMb: sidecar?.memory ?? 0 },
  ];
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const ended = runCodependent({
    processes: commands.map(({ logSource, command, memoryMb }) => ({
      logSource,
      start: {
        file: launcherFile,
        args: [path.join(dropletDir, 'app'), command, ''],
        env: instanceEnvironment({ manifest, dropletDir, processType: 'web', memoryMb, env }),
        cwd: dropletDir,
      },
    })),
    spawn: spawnProcess,
    scheduler: realScheduler,
    killDelayMs: 10_000,
    stop: stop.signal,
    onLine: (line, source) => said.push(`${source}: ${line}`),
  });
  const running = said.line(/^web: running$/);
  await Promise.race([running, ended.then((code) => expect.fail(`ended with ${code}:\n${lines.join('\n')}`))]);
  expect(lines.find((line) => line.startsWith('web: received demo.ticks'))).toContain('"tick 1"');
  expect(lines.find((line) => line.startsWith('web: request demo.sum'))).toContain('answered 42');
  expect(lines.find((line) => line.startsWith('web: published orders.new'))).toContain('refused');
  stop.abort();
  expect(await ended).toBe(0);
  expect(lines.filter((line) => line.endsWith('Exit status 0'))).toHaveLength(2);
});
