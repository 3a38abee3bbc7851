import fc from 'fast-check';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { MetricRegistry } from '../../../src/base/metrics/metric-registry.ts';

const bounds = [0.5, 1, 2.5];
const labelValue = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('\\', '"', '\n', '\\n', 'a"b'),
);
const amount = fc.oneof(fc.nat(), fc.double({ min: 1e-9, max: 1e30, noNaN: true }));

test('what is counted and read is written as prom-client writes it', async () => {
  const counts = fc.array(fc.tuple(labelValue, labelValue, amount));
  const observations = fc.array(fc.tuple(labelValue, fc.double({ noNaN: true, noDefaultInfinity: true })));
  await fc.assert(
    fc.asyncProperty(
      counts,
      observations,
      amount,
      fc.string({ minLength: 1 }),
      async (counted, observed, read, help) => {
        const ours = new MetricRegistry('demo_');
        const counters = ours.counters('events_total', help, ['topic', 'outcome']);
        for (const [topic, outcome, count] of counted) counters.at(topic, outcome).add(count);
        const histograms = ours.histograms('wait_seconds', help, { labels: ['topic'], bounds });
        for (const [topic, value] of observed) histograms.at(topic).observe(value);
        const plain = ours.histogram('all_seconds', help, bounds);
        for (const [, value] of observed) plain.observe(value);
        ours.gauge('level', help, () => read);

        const registry = new Registry();
        const described = (name: string) => ({ name: `demo_${name}`, help, registers: [registry] });
        const counter = new Counter({ ...described('events_total'), labelNames: ['topic', 'outcome'] });
        for (const [topic, outcome, count] of counted) if (count > 0) counter.inc({ topic, outcome }, count);
        const histogram = new Histogram({ ...described('wait_seconds'), labelNames: ['topic'], buckets: bounds });
        for (const [topic, value] of observed) histogram.observe({ topic }, value);
        const unlabelled = new Histogram({ ...described('all_seconds'), buckets: bounds });
        for (const [, value] of observed) unlabelled.observe(value);
        new Gauge(described('level')).set(read);

        expect(ours.contentType).toBe(registry.contentType);
        expect(await ours.text()).toBe(await registry.metrics());
      },
    ),
  );
});

test('a metric without labels is shown from the start, one with labels from its first event', async () => {
  const registry = new MetricRegistry('demo_');
  registry.counter('restarts_total', 'Restarts');
  const byTopic = registry.counters('messages_total', 'Messages', ['topic']);
  byTopic.at('never.used');
  byTopic.at('used').add();
  expect((await registry.text()).split('\n').filter((line) => !line.startsWith('#'))).toEqual([
    'demo_restarts_total 0',
    '',
    'demo_messages_total{topic="used"} 1',
    '',
  ]);
});

test('readings with the same labels are added up', async () => {
  const registry = new MetricRegistry('demo_');
  registry.gauges('depth', 'Depth', {
    labels: ['name'],
    read(show) {
      show(1, 'a');
      show(5, 'b');
      show(2, 'a');
    },
  });
  expect(await registry.text()).toContain('demo_depth{name="a"} 3\ndemo_depth{name="b"} 5\n');
});

test.each([[NaN], [-1], [0], [-Infinity]])('a counter is not changed by %d', async (count) => {
  const registry = new MetricRegistry('demo_');
  const counter = registry.counter('events_total', 'Events');
  counter.add(2);
  counter.add(count);
  expect(await registry.text()).toContain('demo_events_total 2\n');
});

test.each([[NaN], [Infinity], [-Infinity]])('a histogram is not changed by %d', async (value) => {
  const registry = new MetricRegistry('demo_');
  registry.histogram('wait_seconds', 'Waits', bounds).observe(value);
  expect(await registry.text()).toContain('demo_wait_seconds_sum 0\ndemo_wait_seconds_count 0\n');
});

test('a number that is none, or beyond all, is written as the format has it', async () => {
  const registry = new MetricRegistry('demo_');
  for (const [name, value] of Object.entries({ none: NaN, most: Infinity, least: -Infinity })) {
    registry.gauge(name, 'Number', () => value);
  }
  const samples = (await registry.text()).split('\n').filter((line) => line.startsWith('demo_'));
  expect(samples).toEqual(['demo_none NaN', 'demo_most +Inf', 'demo_least -Inf']);
});

test('metrics are read one after the other, in the order in which they were added', async () => {
  const registry = new MetricRegistry('demo_');
  const order: string[] = [];
  registry.gauge('first', 'First', async () => order.push('first'));
  registry.countedElsewhere('second_total', 'Second', () => order.push('second'));
  await registry.text();
  expect(order).toEqual(['first', 'second']);
});

test('two metrics of one name are refused', () => {
  const registry = new MetricRegistry('demo_');
  registry.counter('events_total', 'Events');
  expect(() => registry.gauge('events_total', 'Events', () => 0)).toThrow('there are two metrics demo_events_total');
});
