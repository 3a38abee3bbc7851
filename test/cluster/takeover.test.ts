import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { realScheduler } from '../../src/base/time/real-scheduler.ts';
import type { UserFacingError } from '../../src/base/user-facing-error.ts';
import type { JetStreamStore } from '../../src/bus/store/jetstream/jetstream-store.ts';
import type { JetStreamStoreOptions } from '../../src/bus/store/jetstream/open-jetstream-store.ts';
import { Stream } from '../../src/bus/store/jetstream/stream.ts';
import { StreamWriter } from '../../src/bus/store/jetstream/stream-writer.ts';
import { RevisionConflictError } from '../../src/bus/store/store.ts';
import { activeOwner, appendIds, everything, idsIn, message } from '../bus/store-fixtures.ts';
import { startLoad, storedByTopic } from './load.ts';
import { eventually, killed, type NatsServers, startServers } from './nats-server.ts';
import { newDeployment, openStore } from './open-store.ts';

let servers: NatsServers;
const stores: JetStreamStore[] = [];

async function open(options: Partial<JetStreamStoreOptions> = {}): Promise<JetStreamStore> {
  const store = await openStore(servers, options);
  stores.push(store);
  return store;
}

beforeAll(async () => {
  servers = await startServers(3);
  await (await eventually(() => openStore(servers))).close();
});
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
});
afterAll(() => servers.stop());

test('a store that is opened again has its messages, positions, subscriptions, states, decisions and keys', async () => {
  const deployment = newDeployment();
  const before = await open({ deployment, scheduler: realScheduler });
  const owner = await activeOwner(before);
  await before.openSubscription(owner, { ...everything, name: '12n' });
  const [a = 0n, b = 0n] = await appendIds(before, owner, ['a', 'b']);
  await before.append(owner, [message(9n, { id: 'keyed', dedupKey: 'key' })]);
  await before.recordDelivery(owner, '12n', { positions: [a, b], cursor: b });
  await before.saveState(owner, {
    state: new Uint8Array([0, 10, 255]),
    expectedRevision: 0n,
    acknowledge: [{ name: '12n', positions: [a] }],
  });
  const decision = { instanceId: 'one', action: 'publish', pattern: 'a.*', verdict: 'approved', by: 'ops' } as const;
  await before.recordDecisions([{ ...decision, decidedAtNs: 1n }]);
  const messages = await before.read(0n, 10);
  await before.close();

  const after = await open({ deployment, scheduler: realScheduler });
  expect(await after.read(0n, 10)).toEqual(messages);
  expect(await after.loadState('one')).toEqual({ state: new Uint8Array([0, 10, 255]), revision: 1n });
  expect(await after.decisions()).toEqual([{ ...decision, decidedAtNs: 1n }]);
  expect(await after.mayWrite(owner)).toBe(true);
  const next = await activeOwner(after);
  expect(next.epoch).toBeGreaterThan(owner.epoch);
  const opened = await after.openSubscription(next, { ...everything, name: '12n' });
  expect([...opened.pending]).toEqual([[b, 1]]);
  expect(await after.append(owner, [message(9n, { id: 'again' })])).toMatchObject([{ messageId: 'keyed' }]);
  const repeated = await after.append(owner, [message(10n, { id: 'other', dedupKey: 'key' })]);
  expect(repeated).toEqual([{ messageId: 'keyed', duplicate: true }]);
  await expect(
    after.saveState(next, { state: new Uint8Array(), expectedRevision: 0n, acknowledge: [] }),
  ).rejects.toThrow(RevisionConflictError);
});

test('the writes of a bus whose stream another one took over are refused, and it ends', async () => {
  const deployment = newDeployment();
  const failures: UserFacingError[] = [];
  const older = await open({ deployment, onFailure: (failure) => failures.push(failure) });
  const owner = await activeOwner(older);
  await older.append(owner, [message(1n)]);
  const newer = await open({ deployment });
  await expect(older.append(owner, [message(2n)])).rejects.toMatchObject({ id: 'bus/store/stream-taken' });
  await expect(older.read(0n, 10)).rejects.toMatchObject({ id: 'bus/store/stream-taken' });
  expect(failures.map(({ id }) => id)).toEqual(['bus/store/stream-taken']);
  expect(await idsIn(newer)).toEqual(['m1']);
  await newer.append(owner, [message(2n)]);
  expect(await idsIn(newer)).toEqual(['m1', 'm2']);
});

test('what was purged does not come back, and positions go on ascending', async () => {
  const deployment = newDeployment();
  const retention = { messages: 2, bytes: 100_000 };
  const before = await open({ deployment, retention });
  const owner = await activeOwner(before);
  for (let sequence = 1n; sequence <= 6n; sequence += 1n) await before.append(owner, [message(sequence)]);
  const [first, last] = await before.read(0n, 10);
  await before.close();
  const after = await open({ deployment, retention });
  expect(await after.read(0n, 10)).toEqual([first, last]);
  await after.append(owner, [message(7n)]);
  expect((await after.read(last?.position ?? 0n, 10)).map(({ position }) => position)).toEqual([
    (last?.position ?? 0n) + 1n,
  ]);
});

test('a batch that is sent again after its answer was lost is stored once', async () => {
  const deployment = newDeployment();
  await (await openStore(servers, { deployment })).close();
  const connection = await connect({ servers: [...servers.addresses] });
  const stream = new Stream(connection, `meridian-${deployment}`);
  const write = stream.write.bind(stream);
  let lost = 0;
  stream.write = async (id, writes) => {
    const stored = await write(id, writes);
    lost += 1;
    if (lost === 1) throw new Error('the answer is lost');
    return stored;
  };
  const subject = `meridian.${deployment}.writer`;
  const settings = { stream, subject, writerId: 'w', scheduler: realScheduler, onWait: () => {} };
  const writer = new StreamWriter(settings);
  const before = await writer.takeOver();
  const data = new TextEncoder().encode('{}\n');
  const one = { subject: `meridian.${deployment}.msg.a`, data, headers: [] };
  expect(await writer.write([one])).toBe(before + 2);
  expect(await writer.write([one])).toBe(before + 4);
  await connection.close();
});

test('a server that is stopped for longer than a lease delays writes, and loses none', async () => {
  const deployment = newDeployment();
  const store = await open({ deployment, scheduler: realScheduler });
  const owner = await activeOwner(store);
  const [stopped] = servers.processes;
  stopped?.kill('SIGSTOP');
  try {
    for (let sequence = 1n; sequence <= 50n; sequence += 1n) await store.append(owner, [message(sequence)]);
    await sleep(11_000);
    for (let sequence = 51n; sequence <= 100n; sequence += 1n) await store.append(owner, [message(sequence)]);
  } finally {
    stopped?.kill('SIGCONT');
  }
  const after = await open({ deployment, scheduler: realScheduler });
  expect(await idsIn(after)).toEqual(Array.from({ length: 100 }, (_, index) => `m${index + 1}`));
});

test('under load every server is killed in turn: all that was accepted is there, once and in order', async () => {
  const settings = {
    deployment: newDeployment(),
    scheduler: realScheduler,
    retention: { messages: 2_000_000, bytes: 1024 * 1024 * 1024 },
  };
  const store = await open(settings);
  const load = await startLoad(store);
  for (const [index, child] of [...servers.processes].entries()) {
    await sleep(1_000);
    await killed(child);
    await sleep(1_000);
    await servers.restart(index);
    // While two are away nothing is stored, so the next one waits until something was.
    await store.reserve('waits', { startedAtNs: 0n, principal: '' });
  }
  const accepted = await load.stop(10_000);
  await store.close();
  const stored = await storedByTopic(await open(settings));
  for (const [topic, ids] of accepted) {
    expect(ids.length).toBeGreaterThanOrEqual(1_250);
    expect(stored.get(topic)).toEqual(ids);
  }
});
