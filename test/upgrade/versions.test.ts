import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import type { Plugin } from '../../src/plugin/plugin.ts';
import { connectPlugin } from '../sidecar/plugins.ts';
import { endAll, Program, policyText, writeTemporary } from '../sidecar/processes.ts';

afterEach(endAll);

/** What was built from commit a200297, from which the store of 0.1.0 is too. */
type Bundle = 'sidecar' | 'cli' | 'meridian-plugin';

function bundleOf(release: 'this' | '0.1.0', name: Bundle): string {
  if (release === 'this')
    return path.resolve('dist', name === 'meridian-plugin' ? `${name}/${name}.mjs` : `${name}.mjs`);
  const packed = readFileSync(path.join(import.meta.dirname, `bundles-${release}`, `${name}.mjs.gz`));
  return writeTemporary(`${name}.mjs`, gunzipSync(packed));
}

type Release = Parameters<typeof bundleOf>[0];

async function startBus(release: Release, file: string, listen = '127.0.0.1:0') {
  const policy = writeTemporary('policy.yml', policyText);
  const program = new Program([
    bundleOf(release, 'cli'),
    'bus',
    '--listen',
    listen,
    '--policy',
    policy,
    '--store',
    file,
  ]);
  const [, address = ''] = await program.seen(/bus listens address=(\S+)/);
  return { program, address };
}

async function startSidecar(release: Release, bus: string) {
  const program = new Program([bundleOf(release, 'sidecar')], {
    ...{ INSTANCE_ID: 'oms-1', POOL_TYPE: 'OMSPool', SIDECAR_BUS_API_URL: bus },
    ...{ SIDECAR_ADDR: '127.0.0.1:0', SIDECAR_HEALTH_ADDR: '127.0.0.1:0' },
  });
  await program.seen(/startup 8\/8/);
  const [, address = ''] = await program.seen(/plugin port listens address=(\S+)/);
  return { program, address };
}

const newStore = (): string => path.join(path.dirname(writeTemporary('store', '')), 'bus.sqlite');

/** A plugin that hears what it publishes. */
async function hears(plugin: Plugin) {
  const heard: string[] = [];
  await plugin.subscribe('platform.oms.*', { name: 'all' }, ({ payload }) => {
    heard.push(Buffer.from(payload).toString());
  });
  return heard;
}

const publish = async (plugin: Plugin, text: string) =>
  (await plugin.publish('platform.oms.orders', Buffer.from(text))).outcome;

describe.each([
  ['0.1.0', 'this'],
  ['this', '0.1.0'],
] as const)('a sidecar of %s and a bus of %s', (ofSidecar, ofBus) => {
  test('carry messages, calls and state, go on after the bus was started again, and part in good order', async () => {
    const file = newStore();
    const bus = await startBus(ofBus, file);
    const sidecar = await startSidecar(ofSidecar, bus.address);
    const plugin = await connectPlugin(sidecar.address);
    const heard = await hears(plugin);
    await plugin.serve('platform.oms.ask', ({ payload }) => ({ payload }));
    expect(await publish(plugin, 'one')).toBe('accepted');
    expect(await plugin.request('platform.oms.ask', Buffer.from('?'))).toMatchObject({ outcome: 'answered' });
    await plugin.saveState(Buffer.from('kept'));
    bus.program.signal('SIGKILL');
    await bus.program.exited;
    await startBus(ofBus, file, bus.address);
    await expect.poll(() => publish(plugin, 'two'), { timeout: 20_000 }).toBe('accepted');
    await expect.poll(() => heard.slice(-1)).toEqual(['two']);
    expect(heard[0]).toBe('one');
    expect(Buffer.from((await plugin.loadState()) ?? []).toString()).toBe('kept');
    await plugin.stop();
    sidecar.program.signal('SIGTERM');
    expect(await sidecar.program.exited).toBe(0);
  });
});

test('a sidecar of 0.1.0 goes on while the bus is upgraded below it, on the same store', async () => {
  const file = newStore();
  const old = await startBus('0.1.0', file);
  const sidecar = await startSidecar('0.1.0', old.address);
  const plugin = await connectPlugin(sidecar.address);
  const heard = await hears(plugin);
  expect(await publish(plugin, 'before')).toBe('accepted');
  old.program.signal('SIGTERM');
  expect(await old.program.exited).toBe(0);
  await startBus('this', file, old.address);
  await expect.poll(() => publish(plugin, 'after'), { timeout: 20_000 }).toBe('accepted');
  await expect.poll(() => heard).toContain('after');
  expect(heard.filter((text) => text === 'before')).toEqual(['before']);
});

test('a bus of 0.1.0 leaves a store of this release as it is, and says which one it needs', async () => {
  const file = newStore();
  const bus = await startBus('this', file);
  bus.program.signal('SIGTERM');
  await bus.program.exited;
  const before = readFileSync(file);
  const policy = writeTemporary('policy.yml', policyText);
  const cli = bundleOf('0.1.0', 'cli');
  const older = new Program([cli, 'bus', '--listen', '127.0.0.1:0', '--policy', policy, '--store', file]);
  expect(await older.exited).toBe(74);
  expect(older.stderr).toMatch(/newer/);
  expect(readFileSync(file).equals(before)).toBe(true);
});

test('a group is refused by name where sidecar or bus are of 0.1.0, and what a client of 0.1.0 does works', async () => {
  const bus = await startBus('0.1.0', newStore());
  const sidecar = await startSidecar('this', bus.address);
  const plugin = await connectPlugin(sidecar.address);
  await expect(plugin.subscribe('platform.oms.*', { name: 'all', group: 'all' }, () => {})).rejects.toThrow(/group/);
  const { connect } = (await import(pathToFileURL(bundleOf('0.1.0', 'meridian-plugin')).href)) as {
    connect: (options: object) => Promise<Plugin>;
  };
  const today = await startBus('this', newStore());
  const oldClient = await connect({ address: (await startSidecar('this', today.address)).address, schemaVersion: '1' });
  const heard = await hears(oldClient);
  expect(await publish(oldClient, 'old')).toBe('accepted');
  await expect.poll(() => heard).toEqual(['old']);
  await oldClient.stop();
});
