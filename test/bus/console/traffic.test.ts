import { describe, expect, test } from 'vitest';
import { HourRing, samplesMax } from '../../../src/bus/console/hour-ring.ts';
import { Recent } from '../../../src/bus/console/recent.ts';
import { TrafficByName } from '../../../src/bus/console/traffic.ts';

const nothing: ReadonlyMap<string, number> = new Map();

test('a ring has the values of the last hour, oldest first', () => {
  const ring = new HourRing();
  for (let value = 1; value <= samplesMax + 5; value += 1) ring.add(value);
  const values = ring.values();
  expect(values).toHaveLength(samplesMax);
  expect([values[0], values.at(-1), ring.newest]).toEqual([6, samplesMax + 5, samplesMax + 5]);
});

test('of what was added last, only so much is kept, and all is counted', () => {
  const recent = new Recent<number>(2);
  for (const value of [1, 2, 3]) recent.add(value);
  expect([recent.entries, recent.total]).toEqual([[3, 2], 3]);
});

describe('traffic', () => {
  test('is told a second, with the mean latency of the sample alone', () => {
    const traffic = new TrafficByName(1);
    const orders = traffic.of('orders');
    for (const latencyMs of [1, 3]) {
      orders.publish();
      orders.deliver(latencyMs);
    }
    traffic.sample(new Map([['orders', 7]]));
    traffic.sample(nothing);
    expect(orders.publishedPerS.values()).toEqual([0.2, 0]);
    expect(orders.deliveredPerS.values()).toEqual([0.2, 0]);
    expect(orders.latencyMs.values()).toEqual([2, 0]);
    expect(orders.lag.values()).toEqual([7, 0]);
    expect([orders.published, orders.delivered]).toEqual([2, 2]);
  });

  test('of names beyond the bound is that of `other`, with their lag', () => {
    const traffic = new TrafficByName(1);
    for (const name of ['first', 'second', 'third']) traffic.of(name).publish();
    traffic.sample(
      new Map([
        ['second', 2],
        ['third', 3],
      ]),
    );
    expect(traffic.all().map(([name, { published, lag }]) => [name, published, lag.newest])).toEqual([
      ['first', 1, 0],
      ['other', 2, 5],
    ]);
  });

  test('that stopped an hour ago gives its place free', () => {
    const traffic = new TrafficByName(1);
    traffic.of('first').publish();
    for (let sample = 0; sample <= samplesMax; sample += 1) traffic.sample(nothing);
    traffic.of('second').publish();
    expect(traffic.all().map(([name]) => name)).toEqual(['second']);
  });
});
