import { describe, expect, test } from 'vitest';
import { randomBelow } from '../../src/base/random.ts';
import { sleep } from '../../src/base/time/scheduler.ts';
import type { DeliveredMessage } from '../../src/plugin/message.ts';
import { busAddress, SimulatedWorld } from './simulated-world.ts';

const seeds = Array.from({ length: 100 }, (_, index) => index + 1);
const messages = 60;

/** Publishes while connections are cut at random, then waits until everything accepted has arrived. */
async function publishUnderCuts(world: SimulatedWorld) {
  const { scheduler, network } = world;
  await world.startBus();
  const [publisher, subscriber] = await Promise.all(
    ['publisher', 'subscriber'].map(async (INSTANCE_ID) => {
      const { sidecar, address } = world.createSidecar({ INSTANCE_ID });
      await sidecar.start();
      return { sidecar, address, plugin: await world.connectPlugin(address) };
    }),
  );
  if (!publisher || !subscriber) throw new Error('two sidecars were started');

  const received: DeliveredMessage[] = [];
  await subscriber.plugin.subscribe('demo.*', { name: 'all' }, async (message) => {
    await sleep(scheduler, randomBelow(scheduler.random, 30));
    received.push(message);
  });

  let cutting = true;
  const cuts = (async () => {
    while (cutting) {
      await sleep(scheduler, randomBelow(scheduler.random, 1_500));
      network.cut([busAddress, publisher.address, subscriber.address][randomBelow(scheduler.random, 3)] ?? busAddress);
    }
  })();

  const accepted: string[] = [];
  const unknown: string[] = [];
  for (let index = 0; index < messages; index += 1) {
    const outcome = await publisher.plugin.publish('demo.ticks', Buffer.from(`${index}`));
    if (outcome.outcome === 'accepted') accepted.push(outcome.messageId);
    if (outcome.outcome === 'unknown') unknown.push(`${index}`);
    await sleep(scheduler, randomBelow(scheduler.random, 100));
  }
  cutting = false;
  await cuts;
  const ids = (): Set<string> => new Set(received.map((message) => message.messageId));
  while (!accepted.every((id) => ids().has(id))) await sleep(scheduler, 100);

  const exitCodes = await Promise.all(
    [publisher, subscriber].map(async ({ plugin, sidecar }) => {
      await plugin.stop('done');
      return sidecar.stop('done');
    }),
  );
  return { accepted, unknown, received, exitCodes };
}

describe('a hundred seeded runs with cut connections', () => {
  test.each(seeds)('seed %i: every accepted message is delivered, once unless marked, and in order', async (seed) => {
    const world = new SimulatedWorld(seed);
    const { accepted, unknown, received, exitCodes } = await world.run(publishUnderCuts(world));

    expect(accepted.length).toBeGreaterThan(messages / 2);
    const ids = received.map((message) => message.messageId);
    expect(accepted.filter((id) => !ids.includes(id))).toEqual([]);
    const unmarkedRepeats = received.filter(
      (message, index) => !message.maybeRedelivered && ids.indexOf(message.messageId) < index,
    );
    expect(unmarkedRepeats).toEqual([]);
    const firsts = received.filter((message, index) => ids.indexOf(message.messageId) === index);
    const numbers = firsts.map((message) => Number(Buffer.from(message.payload).toString()));
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(numbers.length).toBeLessThanOrEqual(accepted.length + unknown.length);
    expect(exitCodes).toEqual([0, 0]);
  });

  test('the same seed gives the same run', async () => {
    const runs = await Promise.all(
      [7, 7].map(async (seed) => {
        const world = new SimulatedWorld(seed);
        const { received } = await world.run(publishUnderCuts(world));
        return received.map(({ messageId, maybeRedelivered }) => ({ messageId, maybeRedelivered }));
      }),
    );
    expect(runs[0]).toEqual(runs[1]);
  });
});
