import { afterEach, expect, test } from 'vitest';
import { silentLog } from '../../src/base/log/log.ts';
import { realScheduler } from '../../src/base/time/real-scheduler.ts';
import { serveBus } from '../../src/bus/serve-bus.ts';
import { MemoryStore } from '../../src/bus/store/in-memory/memory-store.ts';
import { loadSidecarConfig } from '../../src/contract/config/sidecar-config.ts';
import { patternProblem } from '../../src/contract/wire/topics/topic.ts';
import { Plugin } from '../../src/plugin/plugin.ts';
import { Sidecar } from '../../src/sidecar/sidecar.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';

const network = grpcNetwork;
const scheduler = realScheduler;
const log = silentLog;
const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

async function startBus(): Promise<string> {
  const everything = (['publish', 'subscribe'] as const).map((action) => ({ pattern: 'demo.**', action }));
  const rule = { principals: ['*'], instances: ['*'], pools: ['*'], grants: everything };
  const policy = { deploymentId: 'real', rules: [rule] };
  const store = new MemoryStore({ scheduler });
  const bus = await serveBus({ network, address: '127.0.0.1:0', store, policy, scheduler, log });
  opened.push(() => bus.close());
  return bus.address;
}

async function startPlugin(bus: string, instanceId: string): Promise<{ sidecar: Sidecar; plugin: Plugin }> {
  const environment = {
    INSTANCE_ID: instanceId,
    POOL_TYPE: 'SignalPool',
    SIDECAR_ADDR: '127.0.0.1:0',
    SIDECAR_BUS_API_URL: bus,
  };
  const sidecar = new Sidecar({
    config: loadSidecarConfig({ environment, checkPattern: patternProblem, startedAtMs: 1 }),
    network,
    scheduler,
    log,
    serveHttp: async (listen) => ({ port: listen.port, close: async () => {} }),
    readCredential: async () => ({}),
  });
  await sidecar.start();
  opened.push(() => sidecar.stop('test over'));
  const address = await sidecar.pluginAddress();
  const plugin = await Plugin.connect({ network, scheduler, log, address, schemaVersion: '1', waitTimeoutMs: 30_000 });
  return { sidecar, plugin };
}

test('plugin, sidecar and bus work over real sockets, and a stop loses no answer', async () => {
  const bus = await startBus();
  const [one, two] = [await startPlugin(bus, 'one'), await startPlugin(bus, 'two')];
  const received = Promise.withResolvers<string>();
  await two.plugin.subscribe('demo.*', { name: 'all' }, ({ payload }) => {
    received.resolve(Buffer.from(payload).toString());
  });
  expect((await one.plugin.publish('demo.ticks', Buffer.from('1'))).outcome).toBe('accepted');
  expect(await received.promise).toBe('1');

  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  await two.plugin.serve('demo.questions', async () => {
    asked.resolve();
    await answer.promise;
    return { payload: Buffer.from('42') };
  });
  const reply = one.plugin.request('demo.questions', Buffer.from('?'));
  await asked.promise;
  const exitCode = two.sidecar.stop('SIGTERM');
  answer.resolve();
  expect(await reply).toMatchObject({ outcome: 'answered' });
  await two.plugin.stopped;
  expect(await exitCode).toBe(0);
});
