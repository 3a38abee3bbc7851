import { afterEach, expect, test } from 'vitest';
import { connectPlugin } from '../plugins.ts';
import { endAll, spawnSidecar, startBus, startSidecar, writeTemporary } from '../processes.ts';
import { sampleSum, scrape } from './exposition.ts';

afterEach(endAll);

test('a running bus tells what it did, when it is asked to', async () => {
  const store = writeTemporary('bus.sqlite', '');
  const bus = await startBus('127.0.0.1:0', store, '--metrics', '127.0.0.1:0');
  const [, port = ''] = await bus.program.seen(/metrics are served port=(\d+)/);
  const { address } = await startSidecar(bus.address);
  const plugin = await connectPlugin(address);
  const taken = Promise.withResolvers<void>();
  await plugin.subscribe('platform.oms.*', { name: 'orders' }, () => taken.resolve());
  await plugin.publish('platform.oms.orders', Buffer.from('1'), { dedupKey: 'once' });
  await plugin.publish('platform.oms.orders', Buffer.from('1'), { dedupKey: 'once' });
  await plugin.request('platform.ask.price', Buffer.from('?'));
  await taken.promise;
  const refused = spawnSidecar(bus.address, { INSTANCE_ID: 'stranger' });
  expect(await refused.exited).toBe(77);

  const metrics = await scrape(`http://127.0.0.1:${port}`);
  const value = (name: string, labels?: Readonly<Record<string, string>>) =>
    sampleSum(metrics, `meridian_bus_${name}`, labels);
  expect(value('registrations', { phase: 'active' })).toBe(1);
  expect(value('sessions')).toBe(1);
  expect(value('subscriptions')).toBe(1);
  expect(value('publishes_total', { outcome: 'stored' })).toBe(1);
  expect(value('publishes_total', { outcome: 'duplicate' })).toBe(1);
  expect(value('append_duration_seconds_count')).toBe(2);
  expect(value('deliveries_total', { receiver: 'oms-1' })).toBe(1);
  expect(value('delivery_lag_seconds_count', { receiver: 'oms-1' })).toBe(1);
  expect(value('calls_total', { outcome: 'no_handler' })).toBe(1);
  expect(value('refusals_total', { kind: 'registration' })).toBe(1);
  expect(value('store_bytes')).toBeGreaterThan(1_000);
});

test('a bus that cannot serve its metrics ends before it takes anybody in', async () => {
  const first = await startBus('127.0.0.1:0', 'memory', '--metrics', '127.0.0.1:0');
  const [, port = ''] = await first.program.seen(/metrics are served port=(\d+)/);
  const second = startBus('127.0.0.1:0', 'memory', '--metrics', `127.0.0.1:${port}`);
  await expect(second).rejects.toThrow('[bus/metrics/address]');
});
