import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { busHost } from '../../src/compose/names.ts';
import { CalledProvider, told } from './called-provider.ts';
import { ProviderProcess } from './provider-process.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'meridian-machine-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Each makes a place where no folder can be made. */
const closedPlaces: readonly (readonly [string, () => string])[] = [
  ['below /proc', () => '/proc/nope/state'],
  ['/proc itself', () => '/proc'],
  ['a device', () => '/dev/null/state'],
  [
    'a file',
    () => {
      const file = path.join(folder, 'file');
      writeFileSync(file, '');
      return file;
    },
  ],
  [
    'below a file',
    () => {
      const file = path.join(folder, 'file');
      writeFileSync(file, '');
      return path.join(file, 'below');
    },
  ],
  [
    'a link to nothing',
    () => {
      const link = path.join(folder, 'link');
      symlinkSync(path.join(folder, 'gone'), link);
      return link;
    },
  ],
  [
    'a link to itself',
    () => {
      const link = path.join(folder, 'link');
      symlinkSync('link', link);
      return link;
    },
  ],
];

describe('a state folder that cannot be made', () => {
  let provider: ProviderProcess;
  beforeEach(() => {
    provider = new ProviderProcess();
  });
  afterEach(() => provider.close());

  test.each(closedPlaces)('(%s) is replaced by a temporary one', async (_what, place) => {
    const words = ['--project-name=shop', 'up', '--pool-type=OMSPool', 'sidecar'];
    const { exitCode, stdout } = await provider.run(words, { XDG_STATE_HOME: place(), TMPDIR: folder });
    expect(stdout).not.toContain('"error"');
    expect(exitCode).toBe(0);
  });

  test.each(closedPlaces)('(%s) is told when there is no temporary one either', async (_what, place) => {
    const words = ['--project-name=shop', 'up', '--pool-type=OMSPool', 'sidecar'];
    const closed = place();
    const { exitCode, stdout } = await provider.run(words, { XDG_STATE_HOME: closed, TMPDIR: '/proc/nope' });
    expect(exitCode).toBe(74);
    expect(stdout).toMatch(/^\{"type":"error","message":"neither [^\n]*\[compose\/state\/folder\][^\n]*\}\n$/);
    expect(stdout).toContain(closed);
  });

  test('may exist already, and be full of other things', async () => {
    mkdirSync(path.join(folder, 'state/meridian-sidecar/compose'), { recursive: true });
    const words = ['--project-name=shop', 'up', '--pool-type=OMSPool', 'sidecar'];
    expect((await provider.run(words, { XDG_STATE_HOME: path.join(folder, 'state') })).exitCode).toBe(0);
  });
});

describe('the host name of an embedded bus', () => {
  test.each([1, 49, 50, 51, 52, 63, 200])('is a host name for a project of %i letters', (length) => {
    const host = busHost('p'.repeat(length));
    expect(host).toMatch(/^p[a-z0-9-]{0,61}[a-z0-9]$/);
    expect(host.startsWith('p'.repeat(Math.min(length, 41)))).toBe(true);
  });

  test('differs for projects that differ behind their first letters', () => {
    expect(busHost(`${'p'.repeat(60)}a`)).not.toBe(busHost(`${'p'.repeat(60)}b`));
  });

  test('is that of the container, and what the sidecar is given', async () => {
    const provider = new CalledProvider();
    const project = 'p'.repeat(52);
    provider.engine.networks.push({ name: `${project}_default`, project, key: 'default' });
    const messages = await provider.call([
      `--project-name=${project}`,
      'up',
      '--pool-type=OMSPool',
      '--bus=embedded',
      'sidecar',
    ]);
    provider.remove();
    expect(told(messages, 'error')).toEqual([]);
    expect(provider.engine.named(busHost(project))?.isRunning).toBe(true);
    expect(provider.engine.calls.join('\n')).toContain(`SIDECAR_BUS_API_URL=${busHost(project)}:8443`);
  });
});

describe('an image of another platform', () => {
  let provider: CalledProvider;
  beforeEach(() => {
    provider = new CalledProvider();
  });
  afterEach(() => provider.remove());

  const errorOf = async (): Promise<string> => told(await provider.up(), 'error').join('\n');

  test.each([
    ['linux/aarch64', 'linux/amd64'],
    ['linux/x86_64', 'linux/arm64'],
    ['windows/x86_64', 'linux/amd64'],
    ['linux/s390x', 'linux/amd64'],
  ])('is one error on an engine for %s', async (ofEngine, ofImage) => {
    Object.assign(provider.engine, { platform: ofEngine, imagePlatform: ofImage });
    expect(await errorOf()).toMatch(
      new RegExp(`^the image \\S+ is for ${ofImage}, and .*\\[compose/image/platform\\]$`),
    );
    expect(provider.engine.containers).toEqual([]);
  });

  test.each([
    ['linux/x86_64', 'linux/amd64'],
    ['linux/aarch64', 'linux/arm64'],
  ])('is not one on an engine for %s', async (ofEngine, ofImage) => {
    Object.assign(provider.engine, { platform: ofEngine, imagePlatform: ofImage });
    expect(await errorOf()).toBe('');
    expect(provider.engine.calls.some((call) => call.startsWith('run '))).toBe(false);
  });

  test('runs on an engine that emulates it', async () => {
    Object.assign(provider.engine, { platform: 'linux/aarch64', emulates: true });
    expect(await errorOf()).toBe('');
  });

  test.each([
    ['linux/arm64', true],
    ['linux/arm64/v8', true],
    ['arm64', true],
    ['linux/amd64', false],
    ['linux/x86_64', false],
    ['', false],
  ])('is one error when DOCKER_DEFAULT_PLATFORM is %j: %s', async (wanted, isError) => {
    const process = new ProviderProcess();
    const words = ['--project-name=shop', 'up', '--pool-type=OMSPool', 'sidecar'];
    const { stdout } = await process.run(words, { DOCKER_DEFAULT_PLATFORM: wanted });
    await process.close();
    expect(stdout.includes('[compose/image/platform]')).toBe(isError);
    if (isError) expect(stdout).toContain(`DOCKER_DEFAULT_PLATFORM asks for ${wanted}`);
  });
});
