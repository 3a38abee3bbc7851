import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import type { JetStreamStore } from '../../src/bus/store/jetstream/jetstream-store.ts';
import { describeStore } from '../bus/store-suite.ts';
import { eventually, type NatsServers, startServers } from './nats-server.ts';
import { newDeployment, openStore } from './open-store.ts';

describe.each([1, 3])('on NATS servers: %i', (count) => {
  let servers: NatsServers;
  const stores: JetStreamStore[] = [];
  beforeAll(async () => {
    servers = await startServers(count);
    // A new cluster has no leader yet.
    await (await eventually(() => openStore(servers, { deployment: newDeployment() }))).close();
  });
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
  });
  afterAll(() => servers.stop());

  describeStore(
    'jetstream',
    async (options) => {
      const store = await openStore(servers, options);
      stores.push(store);
      return store;
    },
    5,
  );
});
