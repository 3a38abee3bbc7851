import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Stream } from '../../src/bus/store/jetstream/stream.ts';
import { eventually, killed, type NatsServers, startServers } from './nats-server.ts';
import { newDeployment, openStore } from './open-store.ts';

let servers: NatsServers;
beforeAll(async () => {
  servers = await startServers(1);
});
afterAll(() => servers.stop());

test('two deployments on one server see nothing of each other', async () => {
  const [one, two] = [await openStore(servers), await openStore(servers)];
  await one.reserve('i', { startedAtNs: 0n, principal: '' });
  expect(await two.ownerOf('i')).toBeUndefined();
  const owner = { instanceId: 'i', epoch: await one.reserve('i', { startedAtNs: 0n, principal: '' }) };
  await one.activate(owner);
  expect(await two.mayWrite(owner)).toBe(false);
  await Promise.all([one.close(), two.close()]);
});

test('a server that is away is named', async () => {
  const opened = openStore(servers, { nats: { servers: ['127.0.0.1:1'] } });
  await expect(opened).rejects.toMatchObject({ id: 'bus/store/nats-unreachable' });
});

test('a server without JetStream is named', async () => {
  const plain = await startServers(1, { isJetStreamOn: false });
  await expect(openStore(plain)).rejects.toMatchObject({ id: 'bus/store/jetstream-off' });
  await plain.stop();
});

test('more replicas than servers are refused', async () => {
  await expect(openStore(servers, { replicas: 3 })).rejects.toMatchObject({ id: 'bus/store/too-few-servers' });
});

test('an existing stream with other settings is named and left as it is', async () => {
  const deployment = newDeployment();
  const connection = await connect({ servers: [...servers.addresses] });
  const stream = new Stream(connection, `meridian-${deployment}`);
  const config = { name: stream.name, subjects: [`meridian.${deployment}.>`], max_msgs: 5, storage: 'memory' };
  await stream.request(`STREAM.CREATE.${stream.name}`, config);
  await expect(openStore(servers, { deployment })).rejects.toMatchObject({
    id: 'bus/store/stream-differs',
    message: expect.stringContaining('max_msgs is 5, and -1 is wanted') as string,
  });
  expect((await stream.request(`STREAM.INFO.${stream.name}`))['config']).toMatchObject({ max_msgs: 5 });
  await connection.close();
});

test('a bus that starts while the servers have no leader waits until they have one', async () => {
  const cluster = await startServers(3);
  const settings = { deployment: newDeployment() };
  await (await eventually(() => openStore(cluster, settings))).close();
  for (const child of cluster.processes.slice(1)) await killed(child);
  const opening = openStore(cluster, settings);
  // Longer than one request waits for its answer.
  const early = await Promise.race([opening.then(() => 'opened'), sleep(7_000).then(() => 'waits')]);
  expect(early).toBe('waits');
  for (const index of [1, 2]) await cluster.restart(index);
  await (await opening).close();
  await cluster.stop();
});
