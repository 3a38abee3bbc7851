import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PrivateEngine, startEngine } from '../../engine/private-engine.ts';
import { buildDir } from './build-dir.ts';
import { composes } from './compose-programs.ts';
import { engineHost } from './engine-host.ts';
import { nodePlugin, sidecarImage } from './images.ts';
import { runCommand } from './run-command.ts';

/** An engine of its own: the others' containers would not outlive its restart. */
let engine: PrivateEngine;

beforeAll(async () => {
  engine = await startEngine(path.join(buildDir, 'restarted-engine'));
  const images = `docker --host ${engineHost} save ${sidecarImage} ${nodePlugin}`;
  execFileSync('bash', ['-o', 'pipefail', '-c', `${images} | docker --host ${engine.host} load`], { stdio: 'pipe' });
});
afterAll(() => engine.stop());

describe.each(composes)('Docker Compose $version', ({ version, configDir }) => {
  test('up after a restart of the engine brings the whole layout back, with what the bus had stored', async () => {
    const project = `restarted-${version.split('.')[0]}`;
    const environment = {
      PATH: `${path.join(buildDir, 'bin')}:/usr/sbin:/usr/bin:/sbin:/bin`,
      HOME: buildDir,
      DOCKER_CONFIG: configDir,
      DOCKER_HOST: engine.host,
    };
    const file = path.join(import.meta.dirname, 'one-plugin.yaml');
    const compose = async (...args: string[]): Promise<string> => {
      const command = ['docker', 'compose', '--project-name', project, '--file', file, ...args];
      const { exitCode, stdout, stderr } = await runCommand(command, environment);
      if (exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${exitCode}:\n${stdout}${stderr}`);
      return stdout;
    };
    const docker = async (...args: string[]): Promise<string> =>
      (await runCommand(['docker', ...args], environment)).stdout;
    const log = (): Promise<string> => docker('logs', `${project}-plugin-1`);
    await compose('up', '--detach');
    await expect.poll(log, { timeout: 120_000 }).toMatch(/^running$/m);
    await engine.restart();
    await compose('up', '--detach');
    // Its state is in the bus, which is the one of before.
    await expect.poll(log, { timeout: 120_000 }).toMatch(/state loaded: [\s\S]*^running$/m);
    const running = await docker(
      'ps',
      '--format',
      '{{.Names}}',
      '--filter',
      `label=com.docker.compose.project=${project}`,
    );
    expect(running.trim().split('\n').sort()).toEqual(
      ['meridian-bus', 'plugin-1', 'sidecar-1', 'sidecar-sidecar'].map((name) => `${project}-${name}`),
    );
    await compose('down');
  });
});
