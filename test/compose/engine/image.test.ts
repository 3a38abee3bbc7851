import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { root } from './build-dir.ts';
import { docker, logged } from './compose-project.ts';
import { nodeBase, nodePlugin, pythonPlugin, sidecarImage } from './images.ts';

const policyMount = `${path.join(root, 'fixtures/demo/policy.yml')}:/etc/policy.yml:ro`;

/** Starts a container that goes with the test; its network is its own unless the flags say otherwise. */
async function start(name: string, ...flagsAndImage: string[]): Promise<string> {
  const container = `image-${name}`;
  onTestFinished(async () => void (await docker('rm', '--force', container)));
  const { exitCode, stderr } = await docker('run', '--detach', '--name', container, ...flagsAndImage);
  if (exitCode !== 0) throw new Error(stderr);
  return container;
}

/** A bus and a sidecar in one network namespace, the sidecar with those further flags. */
async function startSidecar(test: string, ...flags: string[]): Promise<string> {
  const bus = await start(`${test}-bus`, '--volume', policyMount, sidecarImage, 'bus', '--policy', '/etc/policy.yml');
  await logged(bus, /bus listens/);
  const contract = { INSTANCE_ID: test, POOL_TYPE: 'SignalPool', SIDECAR_BUS_API_URL: '127.0.0.1:8443' };
  const environment = Object.entries(contract).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const sidecar = await start(
    `${test}-sidecar`,
    '--network',
    `container:${bus}`,
    ...environment,
    ...flags,
    sidecarImage,
  );
  await logged(sidecar, /to=READY/);
  return sidecar;
}

const healthOf = async (container: string): Promise<number | null> =>
  (await docker('exec', container, 'healthcheck')).exitCode;

describe("the sidecar's image", () => {
  test('adds to its base the programs, two scripts, licenses and a folder for the store, and nothing of development', async () => {
    const listing = async (image: string): Promise<string[]> => {
      const script =
        'shopt -s globstar dotglob; for each in /usr/** /var/** /app/**; do [[ -f $each ]] && echo "$each"; done';
      const { stdout } = await docker('run', '--rm', '--entrypoint', 'bash', image, '-c', script);
      return stdout.split('\n');
    };
    const ofBase = new Set(await listing(nodeBase));
    expect((await listing(sidecarImage)).filter((file) => !ofBase.has(file)).sort()).toEqual([
      '/usr/local/bin/healthcheck',
      '/usr/local/bin/meridian-sidecar',
      '/usr/local/lib/meridian-sidecar/cli.mjs',
      '/usr/local/lib/meridian-sidecar/sidecar.mjs',
      '/usr/local/share/doc/meridian-sidecar/LICENSE',
      '/usr/local/share/doc/meridian-sidecar/third-party-notices.txt',
      '/var/lib/meridian/README',
    ]);
  });

  test('runs any other command of meridian-sidecar', async () => {
    const version = sidecarImage.split(':')[1];
    expect((await docker('run', '--rm', sidecarImage, '--version')).stdout.trim()).toBe(version);
  });

  test('is not root, needs no other part of its file system to be written, and is healthy', async () => {
    const sidecar = await startSidecar('plain', '--read-only', '--cap-drop', 'ALL', '--health-interval', '1s');
    expect((await docker('exec', sidecar, 'sh', '-c', 'echo $UID')).stdout.trim()).toBe('1000');
    expect(await healthOf(sidecar)).toBe(0);
    let status = 'starting';
    while (status === 'starting')
      status = (await docker('inspect', '--format', '{{.State.Health.Status}}', sidecar)).stdout.trim();
    expect(status).toBe('healthy');
  });

  test('gives V8 half of the memory of its container', async () => {
    const sidecar = await startSidecar('memory', '--memory', '192m');
    const { stdout } = await docker('exec', sidecar, 'bash', '-c', 'read -r words </proc/1/cmdline; echo "$words"');
    expect(stdout).toContain('--max-old-space-size=96');
  });

  test.each([
    [['SIDECAR_HEALTH_ADDR=:9393']],
    [['SIDECAR_HEALTH_ADDR=127.0.0.1:9393']],
    [['SIDECAR_HEALTH_ADDR=[::]:9393']],
    [['SIDECAR_HEALTH_ADDR=:$PORT', 'PORT=9393']],
  ])('finds its health server with %j', async (variables) => {
    const sidecar = await startSidecar('health', ...variables.flatMap((each) => ['--env', each]));
    expect(await healthOf(sidecar)).toBe(0);
  });

  test('is not reached by what an environment of several services sets for the plugin', async () => {
    const ofPlugin = ['LD_LIBRARY_PATH=/usr/local/bin', 'NODE_OPTIONS=--no-such-option', 'BASH_ENV=/etc/hostname'];
    const sidecar = await startSidecar('shared', ...ofPlugin.flatMap((each) => ['--env', each]));
    expect(await healthOf(sidecar)).toBe(0);
    const { stdout } = await docker('exec', sidecar, 'bash', '-c', 'echo "$(</proc/1/environ)"');
    expect(stdout).toContain('POOL_TYPE=');
    expect(stdout).not.toMatch(/LD_LIBRARY_PATH=|NODE_OPTIONS=|BASH_ENV=/);
  });

  test('is unhealthy where nothing answers', async () => {
    const idle = await start('idle', '--entrypoint', 'sleep', sidecarImage, 'infinity');
    expect(await healthOf(idle)).toBe(1);
  });

  test('stops at SIGTERM with 0, as the first process of its container', async () => {
    const sidecar = await startSidecar('stop');
    await docker('stop', sidecar);
    expect((await docker('wait', sidecar)).stdout.trim()).toBe('0');
  });
});

test.each([
  ['node-plugin', nodePlugin],
  ['python-plugin', pythonPlugin],
])('the image of %s talks to its sidecar, not as root, and stops with 0', async (name, image) => {
  const sidecar = await startSidecar(name);
  const plugin = await start(name, '--network', `container:${sidecar}`, image);
  await logged(plugin, /^running$/m);
  expect((await docker('exec', plugin, 'sh', '-c', 'echo $UID')).stdout.trim()).toBe('1000');
  await docker('stop', plugin);
  expect((await docker('wait', plugin)).stdout.trim()).toBe('0');
});
