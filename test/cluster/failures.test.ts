import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { realScheduler } from '../../src/base/time/real-scheduler.ts';
import { Stream } from '../../src/bus/store/jetstream/stream.ts';
import { activeOwner } from '../bus/store-fixtures.ts';
import { CutLinks } from './cut-links.ts';
import { appendNext, startLoad, storedByTopic } from './load.ts';
import { eventually, type NatsServers, startServers } from './nats-server.ts';
import { newDeployment, openStore } from './open-store.ts';

const messages = 10_000;
const retention = { messages: 2_000_000, bytes: 1024 * 1024 * 1024 };

let links: CutLinks;
let servers: NatsServers;
beforeAll(async () => {
  links = await CutLinks.open(3);
  servers = await startServers(3, { routesOf: links.routesOf });
  await (await eventually(() => openStore(servers))).close();
});
afterAll(async () => {
  await servers.stop();
  links.close();
});

function settingsOf(deployment: string, waits: string[] = []) {
  return { deployment, scheduler: realScheduler, retention, onWait: (reason: string) => void waits.push(reason) };
}

test('while each server in turn is cut off from the others the bus goes on, and all that it accepted is there once', async () => {
  const settings = settingsOf(newDeployment());
  const store = await openStore(servers, settings);
  const load = await startLoad(store);
  for (const index of servers.addresses.keys()) {
    await sleep(1_000);
    links.cut(index, true);
    try {
      // Long enough that a leader that is alone gives up, and its successor is elected.
      await sleep(12_000);
      await store.reserve('goes-on', { startedAtNs: 0n, principal: '' });
    } finally {
      links.cut(index, false);
    }
    await store.reserve('goes-on', { startedAtNs: 0n, principal: '' });
  }
  const accepted = await load.stop(messages);
  await store.close();
  const again = await openStore(servers, settings);
  expect(await storedByTopic(again)).toEqual(accepted);
  await again.close();
});

test('a full stream makes the bus wait: nothing is refused or lost, and it goes on when there is room', async () => {
  const deployment = newDeployment();
  const waits: string[] = [];
  const store = await openStore(servers, settingsOf(deployment, waits));
  const connection = await connect({ servers: [...servers.addresses] });
  const stream = new Stream(connection, `meridian-${deployment}`);
  const { config, state } = (await stream.request(`STREAM.INFO.${stream.name}`)) as {
    config: { max_bytes: number };
    state: { bytes: number };
  };
  const limitTo = (bytes: number) => stream.request(`STREAM.UPDATE.${stream.name}`, { ...config, max_bytes: bytes });
  await limitTo(state.bytes + 100_000);
  const load = await startLoad(store);
  while (waits.length === 0) await sleep(100);
  expect(waits[0]).toMatch(/maximum bytes exceeded/);
  await sleep(5_000);
  await limitTo(config.max_bytes);
  const accepted = await load.stop(messages);
  expect(await storedByTopic(store)).toEqual(accepted);
  await Promise.all([store.close(), connection.close()]);
});

test('of buses that take over from each other under load, none writes after its successor began', async () => {
  const settings = settingsOf(newDeployment());
  const owners = Array.from({ length: 8 }, (_, index) => `i${index}`);
  const accepted = new Map<string, string[]>(owners.map((owner) => [owner, []]));
  let store = await openStore(servers, settings);
  let next = store;
  const all = (): number => [...accepted.values()].reduce((sum, ids) => sum + ids.length, 0);
  for (let round = 0; round < 10 || all() < messages; round += 1) {
    const isOver = Promise.withResolvers<void>();
    const writing = owners.map(async (instanceId) => {
      const owner = await activeOwner(store, instanceId);
      for (let first = 1; ; first += 32) accepted.get(instanceId)?.push(...(await appendNext(store, owner, first)));
    });
    // Every writer ends because its bus lost the stream, most of them with a write under way.
    const ends = Promise.allSettled(writing).then((outcomes) => {
      isOver.resolve();
      return outcomes.map((outcome) => outcome.status === 'rejected' && (outcome.reason as { id?: string }).id);
    });
    await sleep(500);
    next = await openStore(servers, settings);
    await isOver.promise;
    expect(new Set(await ends)).toEqual(new Set(['bus/store/stream-taken']));
    await store.close();
    store = next;
  }
  const stored = await storedByTopic(store);
  for (const [instanceId, ids] of accepted) {
    const found = stored.get(instanceId) ?? [];
    const isAccepted = new Set(ids);
    // Beside these there is only what was under way when its bus lost the stream.
    expect(found.filter((id) => id !== undefined && isAccepted.has(id))).toEqual(ids);
    expect(new Set(found).size).toBe(found.length);
    const epochs = found.map((id) => Number(id?.split('-')[1]));
    expect(epochs).toEqual([...epochs].sort((one, other) => one - other));
  }
  await store.close();
});
