import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const program = path.resolve('dist/compose.mjs');
const compose = (args: readonly string[], env: Record<string, string> = {}) =>
  spawnSync(process.execPath, [program, 'compose', ...args], {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', ...env },
  });

describe('compose snippet', () => {
  test('prints the same sidecar as plain services', () => {
    const options = ['--pool-type=OMSPool', '--bus=embedded', '--publish=8080:80', '--memory=192'];
    const { status, stdout } = compose(['snippet', ...options, 'oms']);
    expect(status).toBe(0);
    expect(parse(stdout)).toMatchObject({
      services: {
        oms: { network_mode: 'service:oms-network', depends_on: { 'oms-sidecar': { condition: 'service_healthy' } } },
        'oms-sidecar': {
          image: expect.stringMatching(/^meridian-sidecar:\d/),
          environment: { POOL_TYPE: 'OMSPool', INSTANCE_ID: 'oms', SIDECAR_BUS_API_URL: 'bus-api:8443' },
          network_mode: 'service:oms-network',
          mem_limit: '192m',
        },
        'oms-network': { ports: ['8080:80'], networks: { default: { aliases: ['oms'] } } },
        'bus-api': { command: expect.arrayContaining(['bus', '--policy']) },
      },
      volumes: { 'bus-api': {} },
    });
  });

  test('refuses what the provider refuses', () => {
    const { status, stderr } = compose(['snippet', '--pool-typ=OMSPool', 'oms']);
    expect([status, stderr]).toEqual([64, expect.stringContaining('Did you mean `pool-type`?')]);
  });
});

describe('compose install', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'docker config '));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('places a plugin for Docker and a command that run with their own Node, from an empty PATH', () => {
    const bin = path.join(folder, 'bin');
    const { status, stdout } = compose(['install', '--bin', bin], { DOCKER_CONFIG: folder });
    expect([status, stdout.split('\n').length]).toEqual([0, 4]);
    for (const launcher of [
      path.join(folder, 'cli-plugins/docker-meridian-sidecar'),
      path.join(bin, 'meridian-sidecar'),
    ]) {
      // NODE_OPTIONS of a project must not reach it.
      const env = { PATH: '', NODE_OPTIONS: '--import /proc/nowhere.mjs' };
      const called = spawnSync(launcher, ['compose', 'metadata'], { encoding: 'utf8', env });
      expect(called.status).toBe(0);
      expect(JSON.parse(called.stdout)).toMatchObject({ up: { parameters: expect.any(Array) } });
      expect(spawnSync(launcher, ['--version'], { encoding: 'utf8', env }).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    }
  });

  test.each(['/proc/nope', '/dev/null'])('says so when it cannot make its folder below %s', (place) => {
    const { status, stderr } = compose(['install'], { DOCKER_CONFIG: place });
    expect(status).toBe(74);
    expect(stderr).toContain('[compose/install/folder]');
  });

  test('replaces what it placed before', () => {
    for (let time = 0; time < 2; time += 1) expect(compose(['install'], { DOCKER_CONFIG: folder }).status).toBe(0);
    expect(readdirSync(path.join(folder, 'meridian-sidecar'))).toHaveLength(1);
    expect(readdirSync(path.join(folder, 'cli-plugins'))).toEqual(['docker-meridian-sidecar']);
  });
});
