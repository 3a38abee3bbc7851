import { afterEach, expect, test } from 'vitest';
import { create } from '../../../src/contract/wire/codec/message.ts';
import { ConsumeRequestSchema } from '../../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { RegisterRequestSchema } from '../../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { pluginMethods, sidecarMethods } from '../../../src/contract/wire/methods.ts';
import { grpcNetwork } from '../../../src/transport/grpc/network.ts';
import { settings } from '../../transport/http2/raw-frames.ts';
import { RawPeer } from '../../transport/http2/raw-peer.ts';
import { ownLoopback } from '../own-loopback.ts';
import { connectPlugin } from '../plugins.ts';
import { endAll, startBus, startSidecar, writeTemporary } from '../processes.ts';
import { V1Client } from '../v1-client.ts';
import { sampleSum, scrape } from './exposition.ts';

afterEach(endAll);

const payload = Buffer.from('what nobody else may read');

test('a running sidecar tells what became of publishes and calls', async () => {
  const bus = await startBus();
  const { address, healthUrl } = await startSidecar(bus.address);
  const plugin = await connectPlugin(address);
  await plugin.publish('platform.oms.orders', payload);
  await plugin.publish('platform.oms.orders', payload, { dedupKey: 'once' });
  await plugin.publish('platform.oms.orders', payload, { dedupKey: 'once' });
  await plugin.publish('platform.secret.plans', payload);
  await plugin.request('platform.ask.price', payload);

  const metrics = await scrape(healthUrl);
  const publishes = (topic: string, outcome: string) =>
    sampleSum(metrics, 'meridian_sidecar_publishes_total', { topic, outcome });
  expect(publishes('platform.oms.orders', 'accepted')).toBe(2);
  expect(publishes('platform.oms.orders', 'duplicate')).toBe(1);
  expect(publishes('other', 'refused')).toBe(1);
  const orders = { topic: 'platform.oms.orders' };
  expect(sampleSum(metrics, 'meridian_sidecar_publish_duration_seconds_count', orders)).toBe(3);
  const asked = { topic: 'platform.ask.price', outcome: 'no_handler' };
  expect(sampleSum(metrics, 'meridian_sidecar_calls_total', asked)).toBe(1);
  expect(sampleSum(metrics, 'meridian_sidecar_state', { state: 'RUNNING' })).toBe(1);
  expect(sampleSum(metrics, 'meridian_sidecar_state')).toBe(1);
  expect(sampleSum(metrics, 'meridian_sidecar_bus_up')).toBe(1);
  expect(sampleSum(metrics, 'meridian_sidecar_lease_remaining_seconds')).toBeGreaterThan(0);
  expect(sampleSum(metrics, 'meridian_sidecar_plugin_registered')).toBe(1);
  expect(sampleSum(metrics, 'meridian_sidecar_outbox_messages')).toBe(0);
  expect(sampleSum(metrics, 'meridian_sidecar_process_heap_bytes')).toBeGreaterThan(1_000_000);
  expect(sampleSum(metrics, 'meridian_sidecar_process_cpu_seconds_total')).toBeGreaterThan(0);
});

test('a message that comes again after its plugin is gone counts as redelivered', async () => {
  const bus = await startBus();
  const { address, healthUrl } = await startSidecar(bus.address);
  const doomed = await consumeWithoutAcknowledging(address, 'orders');
  const publishing = await connectPlugin(address);
  await publishing.publish('platform.oms.orders', payload);
  await doomed.delivered();
  const before = await scrape(healthUrl);
  const orders = { subscription: 'orders' };
  expect(sampleSum(before, 'meridian_sidecar_unacknowledged_messages', orders)).toBe(1);
  expect(sampleSum(before, 'meridian_sidecar_credit_messages', orders)).toBe(9);
  doomed.kill();

  const repeated = Promise.withResolvers<void>();
  await publishing.subscribe('platform.oms.*', { name: 'orders' }, () => repeated.resolve());
  await repeated.promise;
  // The next round trip on the same stream shows that the acknowledgement is stored.
  const second = Promise.withResolvers<void>();
  await publishing.subscribe('platform.oms.*', { name: 'more' }, () => second.resolve());
  await publishing.publish('platform.oms.orders', payload);
  await second.promise;

  const metrics = await scrape(healthUrl);
  expect(sampleSum(metrics, 'meridian_sidecar_redeliveries_total', orders)).toBe(1);
  expect(sampleSum(metrics, 'meridian_sidecar_deliveries_total', orders)).toBeGreaterThanOrEqual(2);
  expect(sampleSum(metrics, 'meridian_sidecar_acknowledgements_total', orders)).toBeGreaterThanOrEqual(1);
  const topic = { topic: 'platform.oms.orders' };
  expect(sampleSum(metrics, 'meridian_sidecar_delivery_lag_seconds_count', topic)).toBeGreaterThanOrEqual(3);
});

test('a bus that goes away and comes back, heartbeats and missed checks are seen', async () => {
  const store = writeTemporary('bus.sqlite', '');
  const bus = await startBus(`${ownLoopback}:0`, store);
  const config = 'intervals: {health_check: 200ms}\ntimeouts: {health_check: 50ms}\nfault_threshold: 1000\n';
  const file = writeTemporary('sidecar.yml', config);
  const { address, healthUrl, program } = await startSidecar(bus.address, { SIDECAR_CONFIG: file });
  const client = new V1Client(address);
  await client.register();
  await client.heartbeat(false);
  await program.seen(/health check missed/);
  bus.program.signal('SIGKILL');
  await program.seen(/to=DEGRADED/);
  expect(sampleSum(await scrape(healthUrl), 'meridian_sidecar_bus_up')).toBe(0);
  await startBus(bus.address, store);
  await program.seen(/from=DEGRADED to=RUNNING/);

  const metrics = await scrape(healthUrl);
  const value = (name: string, labels?: Readonly<Record<string, string>>) =>
    sampleSum(metrics, `meridian_sidecar_${name}`, labels);
  expect(value('bus_up')).toBe(1);
  expect(value('reconnects_total')).toBe(1);
  expect(value('plugin_heartbeats_total')).toBe(1);
  expect(value('plugin_health_check_misses_total')).toBeGreaterThan(0);
  expect(value('plugin_attached')).toBe(0);
  client.close();
});

test('a client of the plugin port that breaks a limit is counted', async () => {
  const bus = await startBus();
  const { address, healthUrl, program } = await startSidecar(bus.address);
  const peer = await RawPeer.greet(address);
  await peer.flood((index) => (index < 200 ? settings() : undefined));
  await peer.closed;
  await program.seen(/refused a client on the plugin port .*reason="?too many SETTINGS frames/);
  expect(sampleSum(await scrape(healthUrl), 'meridian_sidecar_plugin_port_refusals_total')).toBe(1);
});

test('a drain is told by its length and by what it left', async () => {
  const bus = await startBus();
  const { address, healthUrl, program } = await startSidecar(bus.address);
  const plugin = await connectPlugin(address);
  plugin.onStop(() => {});
  const newer = await startSidecar(bus.address);
  await program.seen(/a newer sidecar of this instance took over/);
  await program.seen(/deregister|connecting to the bus again/);
  const metrics = await scrape(healthUrl);
  expect(sampleSum(metrics, 'meridian_sidecar_state', { state: 'STANDBY' })).toBe(1);
  expect(sampleSum(metrics, 'meridian_sidecar_drain_duration_seconds_count')).toBe(1);
  expect(sampleSum(metrics, 'meridian_sidecar_drain_left_publishes_total')).toBe(0);
  expect(newer.program.output).toContain('startup 8/8');
});

/** A plugin that takes one subscription and dies by its connection. */
async function consumeWithoutAcknowledging(address: string, name: string) {
  const connection = await grpcNetwork.connect(address, { timeoutMs: 5_000, maxMessageBytes: 1_000_000 });
  await connection.unary(sidecarMethods.register, create(RegisterRequestSchema));
  const stream = connection.stream(pluginMethods.consume);
  const credit = { messages: 10, bytes: 1_000_000 };
  const value = { name, pattern: 'platform.oms.*', credit };
  stream.write(create(ConsumeRequestSchema, { message: { case: 'open', value } }));
  const events = stream[Symbol.asyncIterator]();
  const opened = await events.next();
  expect(opened.value.event.case).toBe('opened');
  return {
    delivered: async () => expect((await events.next()).value.event.case).toBe('message'),
    kill: () => connection.close(),
  };
}
