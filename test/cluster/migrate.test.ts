import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { realScheduler } from '../../src/base/time/real-scheduler.ts';
import { openSqliteStore } from '../../src/bus/store/sqlite/sqlite-store.ts';
import { activeOwner, idOf, message } from '../bus/store-fixtures.ts';
import { endAll, type Program, runCli, writeTemporary } from '../sidecar/processes.ts';
import { endless, expectToGoOn, storeOf } from '../upgrade/store-story.ts';
import { type NatsServers, startServers } from './nats-server.ts';
import { newDeployment, openStore } from './open-store.ts';

let servers: NatsServers;
beforeAll(async () => {
  servers = await startServers(1);
});
afterEach(endAll);
afterAll(() => servers.stop());

const natsUrl = (): string => `nats://${servers.addresses.join(',')}`;

function move(from: string, to: string, deployment: string, ...options: readonly string[]): Program {
  const settings = ['--deployment', deployment, ...endless, ...options];
  return runCli('bus', 'migrate', '--from', from, '--to', to, ...settings);
}

async function moved(from: string, to: string, deployment: string): Promise<string> {
  const program = move(from, to, deployment);
  expect([await program.exited, program.stderr]).toEqual([0, '']);
  return program.stdout;
}

async function refused(program: Program): Promise<string> {
  expect(await program.exited).not.toBe(0);
  return program.stderr;
}

const newFile = (): string => path.join(path.dirname(writeTemporary('place', '')), 'bus.sqlite');
const counts = '12 messages, 3 subscriptions, 1 states, 2 instances, 2 decisions on grants';

test('a store of an earlier release goes to NATS and back with all that it had, and again changes nothing', async () => {
  const file = storeOf('0.1.0');
  const content = readFileSync(file);
  const deployment = newDeployment();
  expect(await moved(file, natsUrl(), deployment)).toContain(`is moved to ${natsUrl()}: ${counts}`);
  expect(readFileSync(file).equals(content)).toBe(true);
  expect(await moved(file, natsUrl(), deployment)).toContain('nothing is changed');

  const back = newFile();
  expect(await moved(natsUrl(), back, deployment)).toContain(`is moved to ${back}: ${counts}`);
  // Each of the three holds what the others hold.
  for (const each of [file, back]) expect(await moved(natsUrl(), each, deployment)).toContain('nothing is changed');
  const check = runCli('bus', 'check', back);
  expect([await check.exited, check.stderr]).toEqual([0, '']);
  await expectToGoOn(back);
});

test('plugins go on where they were on a store that was moved, which is then another store', async () => {
  const file = storeOf('0.1.0');
  const address = natsUrl();
  await moved(file, address, 'default');
  await expectToGoOn(address);
  expect(await refused(move(file, address, 'default'))).toContain('[bus/store/move-target]');
  expect(await refused(move(address, file, 'default'))).toContain('[bus/store/move-target]');
});

/** A store of many messages, none of which is like another. */
async function largeStore(messages: number): Promise<string> {
  const file = newFile();
  const retention = { messages, bytes: 1024 * 1024 * 1024 };
  const store = await openSqliteStore({ path: file, scheduler: realScheduler, retention });
  const owner = await activeOwner(store);
  for (let first = 1; first <= messages; first += 1_000) {
    const sequences = Array.from({ length: 1_000 }, (_, at) => BigInt(first + at));
    await store.append(
      owner,
      sequences.map((each) => message(each, { settledBelow: BigInt(first), bytes: 200 })),
    );
  }
  await store.close();
  return file;
}

test('a move that is killed half way starts no bus, takes no other store, and goes on', async () => {
  const file = await largeStore(60_000);
  const deployment = newDeployment();
  const sizes = ['--keep-messages', '60000', '--store-bytes', '1GiB'];
  const first = move(file, natsUrl(), deployment, ...sizes);
  await first.seen(/20 % are moved/);
  first.signal('SIGKILL');
  await first.exited;
  expect(await refused(runCli('bus', '--store', natsUrl(), '--deployment', deployment, ...sizes))).toContain(
    '[bus/store/unfinished-move]',
  );
  expect(await refused(move(natsUrl(), newFile(), deployment, ...sizes))).toContain('[bus/store/unfinished-move]');
  expect(await refused(move(storeOf('0.1.0'), natsUrl(), deployment, ...sizes))).toContain('[bus/store/move-target]');

  const second = move(file, natsUrl(), deployment, ...sizes);
  expect(await second.exited).toBe(0);
  const settings = { deployment, scheduler: realScheduler, retention: { messages: 60_000, bytes: 1024 ** 3 } };
  const store = await openStore(servers, settings);
  const stored = await store.read(0n, 100_000);
  expect(stored.map(idOf)).toEqual(Array.from({ length: 60_000 }, (_, index) => `m${index + 1}`));
  await store.close();

  const back = newFile();
  const third = move(natsUrl(), back, deployment, ...sizes);
  await third.seen(/20 % are moved/);
  third.signal('SIGKILL');
  await third.exited;
  expect(existsSync(back)).toBe(false);
  const fourth = move(natsUrl(), back, deployment, ...sizes);
  expect(await fourth.exited).toBe(0);
  expect((await move(natsUrl(), back, deployment, ...sizes).seen(/nothing is changed/))[0]).toBeDefined();
});

test.each([
  ['two files', 'a.sqlite', 'b.sqlite', 'bus/migrate/kinds'],
  ['two stores on NATS', 'nats://a', 'nats://b', 'bus/migrate/kinds'],
  ['memory', 'memory', 'nats://a', 'bus/migrate/kinds'],
  ['a file that does not exist', '/proc/nowhere/bus.sqlite', 'nats://127.0.0.1:1', 'bus/store/missing'],
  ['a file of another program', import.meta.filename, 'nats://127.0.0.1:1', 'bus/store/'],
  ['servers that are away', 'nats://127.0.0.1:1', 'b.sqlite', 'bus/store/nats-unreachable'],
  ['servers written wrongly', 'nats://user:secret@a', 'b.sqlite', 'bus/store/nats-address'],
])('a move is refused by name: %s', async (_, from, to, id) => {
  const stderr = await refused(move(from, to, newDeployment()));
  expect(stderr).toContain(`[${id}`);
  expect(stderr).not.toContain('secret');
});

test('a deployment without a stream is named, and none is made', async () => {
  const deployment = newDeployment();
  for (let times = 0; times < 2; times += 1) {
    expect(await refused(move(natsUrl(), newFile(), deployment))).toContain(`no stream meridian-${deployment}`);
  }
});

test('a file that cannot be made is named, and nothing is left', async () => {
  const deployment = newDeployment();
  await moved(storeOf('0.1.0'), natsUrl(), deployment);
  const file = '/proc/nowhere/bus.sqlite';
  expect(await refused(move(natsUrl(), file, deployment))).toMatch(
    /\/proc\/nowhere\/bus.sqlite.*\n[\s\S]*\[bus\/store\/unusable\]/,
  );
});

test('a store with more than --store-bytes is refused with the size that it needs', async () => {
  const file = await largeStore(2_000);
  const program = move(file, natsUrl(), newDeployment(), '--store-bytes', '100KiB');
  expect(await refused(program)).toMatch(/--store-bytes is 102400\b[\s\S]*Give --store-bytes \d{6} or more/);
});
