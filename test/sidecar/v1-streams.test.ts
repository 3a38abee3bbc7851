import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Plugin } from '../../src/plugin/plugin.ts';
import { FreezableProxy } from './freezable-proxy.ts';
import { connectPlugin } from './plugins.ts';
import { endAll, type RunningSidecar, startBus, startSidecar, writeTemporary } from './processes.ts';
import { V1Client, type V1Subscription } from './v1-client.ts';

const topic = 'platform.data.quotes';
let sidecar: RunningSidecar;
let publisher: Plugin;
const clients: V1Client[] = [];

beforeEach(async () => {
  const bus = await startBus();
  const dgm = await startSidecar(bus.address, { INSTANCE_ID: 'dgm-1', POOL_TYPE: 'DGMPool' });
  publisher = await connectPlugin(dgm.address);
  sidecar = await startSidecar(bus.address, {
    SIDECAR_CONFIG: writeTemporary('sidecar.yml', 'v1_buffer: 1MiB\n'),
  });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await publisher.stop('done');
  await endAll();
});

async function registered(address = sidecar.address): Promise<V1Client> {
  const client = new V1Client(address);
  clients.push(client);
  await client.register();
  return client;
}

async function publish(...texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    expect(await publisher.publish(topic, Buffer.from(text))).toMatchObject({ outcome: 'accepted' });
  }
}

/** A stream whose connection dies without a sign, after it was handed one message. */
async function brokenOff(): Promise<FreezableProxy> {
  const proxy = await FreezableProxy.to(sidecar.address);
  const stream = await (await registered(proxy.address)).subscribed(topic);
  await publish('one');
  expect(await stream.texts(1)).toEqual(['one']);
  proxy.freeze();
  return proxy;
}

describe('a stream that breaks off', () => {
  test('unnoticed: the next one goes on after it, whether it is noticed before the one after that', async () => {
    const proxy = await brokenOff();
    const client = await registered();
    const second = await client.subscribed(topic);
    await publish('two');
    expect(await second.texts(1)).toEqual(['two']);
    proxy.close();
    await publish('three');
    expect(await second.texts(1)).toEqual(['three']);
    await client.leave();
    await publish('four');
    await client.register();
    const third = client.subscribe(topic);
    await publish('five');
    expect(await third.texts(2)).toEqual(['four', 'five']);
    await third.cancel();
  });

  test('and is noticed only after the next one has ended too: the third repeats nothing of the second', async () => {
    const proxy = await brokenOff();
    const client = await registered();
    const second = await client.subscribed(topic);
    await publish('two', 'three');
    expect(await second.texts(2)).toEqual(['two', 'three']);
    await client.leave();
    proxy.close();
    await client.register();
    const third = client.subscribe(topic);
    await publish('four');
    expect(await third.texts(1)).toEqual(['four']);
    await third.cancel();
  });
});

test('two live streams of one pattern get every message from their start, and the older goes on alone', async () => {
  const client = await registered();
  const older = await client.subscribed(topic);
  await publish('one');
  expect(await older.texts(1)).toEqual(['one']);
  const newer = await client.subscribed(topic);
  await publish('two', 'three');
  for (const stream of [older, newer]) expect(await stream.texts(2)).toEqual(['two', 'three']);
  await newer.cancel();
  await publish('four');
  expect(await older.texts(1)).toEqual(['four']);
  const newest = await client.subscribed(topic);
  await publish('five');
  for (const stream of [older, newest]) expect(await stream.texts(1)).toEqual(['five']);
  await Promise.all([older.cancel(), newest.cancel()]);
});

describe('a stream that is read slowly', () => {
  const payload = 'x'.repeat(100_000);
  /** More than the buffers of the sockets on the way hold too. */
  const published = 100;

  /** Publishes no faster than the stream that is read gets it: what it was given was offered to every stream of the pattern. */
  async function flood(read: V1Subscription): Promise<void> {
    for (let index = 0; index < published; index += 5) {
      const numbers = Array.from({ length: 5 }, (_, more) => index + more);
      await Promise.all(numbers.map((number) => publish(`${number} ${payload}`)));
      await read.texts(numbers.length);
    }
  }

  /** How many messages the log says were lost, once every row of losses that began has ended. */
  async function lostByTheLog(): Promise<number> {
    const begun = sidecar.program.output.match(/is read too slowly/g)?.length ?? 0;
    await sidecar.program.seen(new RegExp(`(?:has lost messages .*messages=[\\s\\S]*){${begun}}`));
    const ends = [...sidecar.program.output.matchAll(/has lost messages .*messages=(\d+)/g)];
    return ends.reduce((sum, [, count]) => sum + Number(count), 0);
  }

  test('loses what its buffer has no room for, is told the exact number, and goes on', async () => {
    const watching = await connectPlugin(sidecar.address);
    const proxy = await FreezableProxy.to(sidecar.address);
    const slow = await (await registered(proxy.address)).subscribed(topic);
    const read = await (await registered()).subscribed(topic);
    proxy.freeze();
    const told = Promise.withResolvers<void>();
    const lost: [string, number][] = [];
    const lostInAll = () => lost.reduce((sum, [, count]) => sum + count, 0);
    let total = Number.POSITIVE_INFINITY;
    watching.onLost((pattern, count) => {
      lost.push([pattern, count]);
      if (lostInAll() >= total) told.resolve();
    });
    await flood(read);
    total = await lostByTheLog();
    if (lostInAll() >= total) told.resolve();
    await told.promise;
    expect(total).toBeGreaterThan(0);
    expect(lostInAll()).toBe(total);
    expect(new Set(lost.map(([pattern]) => pattern))).toEqual(new Set([topic]));
    proxy.thaw();
    const texts = await slow.texts(published - total);
    const numbers = texts.map((text) => Number(text.split(' ')[0]));
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    await publish('after');
    expect(await slow.texts(1)).toEqual(['after']);
    await watching.stop('done');
    proxy.close();
  });

  test('for a moment only loses nothing', async () => {
    const proxy = await FreezableProxy.to(sidecar.address);
    const slow = await (await registered(proxy.address)).subscribed(topic);
    const texts = Array.from({ length: 8 }, (_, index) => `${index} ${payload}`);
    proxy.freeze();
    await publish(...texts);
    proxy.thaw();
    expect(await slow.texts(texts.length)).toEqual(texts);
    expect(sidecar.program.output).not.toMatch(/v1 stream/);
    proxy.close();
  });
});
