import { expect, test } from 'vitest';
import { create } from '../../../src/contract/wire/codec/message.ts';
import { EnvelopeSchema } from '../../../src/contract/wire/gen/meridian/v1/envelope_pb.ts';
import { SidecarMetrics } from '../../../src/sidecar/metrics/sidecar-metrics.ts';
import { VirtualScheduler } from '../../../src/simulation/virtual-scheduler.ts';
import { parseExposition, sampleSum } from './exposition.ts';

function newMetrics(topicsMax: number): SidecarMetrics {
  return new SidecarMetrics({ scheduler: new VirtualScheduler(1), topicsMax });
}

const distinct = (values: readonly (string | undefined)[]): number => new Set(values).size;

test('ten thousand topics make no more series than the bound allows, and lose no count', async () => {
  const metrics = newMetrics(100);
  for (let index = 0; index < 10_000; index += 1) {
    const message = { topic: `demo.topic-${index}`, traceparent: '', messageId: '' };
    metrics.published(message, 'accepted', 1);
    metrics.called(message, 'no_handler', 1);
    const envelope = create(EnvelopeSchema, { meta: { topic: message.topic } });
    metrics.requested(envelope);
    metrics.delivered(`subscription-${index}`, { envelope, maybeRedelivered: true });
  }
  const exposition = parseExposition(await metrics.registry.text());
  for (const label of ['topic', 'subscription']) {
    const values = exposition.samples.flatMap(({ labels }) => labels[label] ?? []);
    expect(distinct(values)).toBe(101);
  }
  const name = 'meridian_sidecar_publishes_total';
  expect(sampleSum(exposition, name)).toBe(10_000);
  expect(sampleSum(exposition, name, { topic: 'demo.topic-99' })).toBe(1);
  expect(sampleSum(exposition, name, { topic: 'other' })).toBe(9_900);
  expect(sampleSum(exposition, 'meridian_sidecar_publish_duration_seconds_count')).toBe(10_000);
});

test('topics that a plugin may not use take no room from those it may', async () => {
  const metrics = newMetrics(2);
  for (const topic of ['made.up', 'made.up.too', 'made.up.again']) {
    metrics.published({ topic, traceparent: '', messageId: '' }, 'refused', 0);
  }
  metrics.published({ topic: 'demo.ticks', traceparent: '', messageId: 'a-1-1' }, 'accepted', 0);
  const exposition = parseExposition(await metrics.registry.text());
  const name = 'meridian_sidecar_publishes_total';
  expect(sampleSum(exposition, name, { topic: 'other', outcome: 'refused' })).toBe(3);
  expect(sampleSum(exposition, name, { topic: 'demo.ticks', outcome: 'accepted' })).toBe(1);
});

test('two sidecars in one process count apart', async () => {
  const [one, other] = [newMetrics(2), newMetrics(2)];
  one.heartbeat();
  const counted = await Promise.all([one, other].map(async ({ registry }) => parseExposition(await registry.text())));
  expect(counted.map((each) => sampleSum(each, 'meridian_sidecar_plugin_heartbeats_total'))).toEqual([1, 0]);
});
