import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { limits } from '../../src/contract/wire/limits.ts';
import type { Plugin } from '../../src/plugin/plugin.ts';
import { connectPlugin } from './plugins.ts';
import { endAll, type RunningSidecar, startBus, startSidecar } from './processes.ts';
import { statusOf, V1Client } from './v1-client.ts';

/** Holds back the answer that never comes, until the tests are over. */
const hanging = Promise.withResolvers<void>();
let sidecar: RunningSidecar;
let answering: Plugin;
let client: V1Client;

beforeAll(async () => {
  const bus = await startBus();
  sidecar = await startSidecar(bus.address, { TAGS: 'eod,yahoo' });
  const other = await startSidecar(bus.address, { INSTANCE_ID: 'dgm-1', POOL_TYPE: 'DGMPool' });
  answering = await connectPlugin(other.address);
  await answering.serve('platform.ask.*', async ({ topic, payload }) => {
    if (topic === 'platform.ask.fail') throw new Error('no such symbol');
    if (topic === 'platform.ask.never') await hanging.promise;
    return { payload: Buffer.from(`re: ${Buffer.from(payload).toString()}`), payloadType: 'text' };
  });
  client = new V1Client(sidecar.address);
});
afterAll(async () => {
  client.close();
  hanging.resolve();
  await answering.stop('done');
  await endAll();
});

/** Every operation but Register. */
const operations: readonly [string, () => Promise<unknown>][] = [
  ['Publish', () => client.publish('platform.oms.fills')],
  ['Subscribe', () => client.subscribe('platform.oms.*').next()],
  ['Call', () => client.call('platform.ask.quote')],
  ['Heartbeat', () => client.heartbeat()],
  ['Leave', () => client.leave()],
];

describe('before Register', () => {
  test.each(operations)('%s fails with FAILED_PRECONDITION', async (_, operation) => {
    expect(await statusOf(operation())).toEqual({
      code: 'FAILED_PRECONDITION',
      details: 'not registered: call Register first',
    });
  });
});

describe('Register', () => {
  test('admits and tells the identity that the launch gave', async () => {
    expect(await client.register()).toEqual({
      admitted: true,
      deployment_id: 'test-deployment',
      refusal_reason: '',
      publish_grants: ['platform.oms.**', 'platform.ask.*'],
      subscribe_grants: ['platform.oms.**', 'platform.data.*'],
      instance_id: 'oms-1',
      role: 'OMSPool',
      tags: ['eod', 'yahoo'],
    });
  });

  test.each([[''], ['1'], ['1.7'], ['1.2.3']])('admits schema version "%s"', async (version) => {
    expect(await client.register({ schema_version: version })).toMatchObject({ admitted: true });
  });

  test.each([['2.0.0'], ['0.9.0'], ['latest']])(
    'does not admit schema version %s, and names both sides',
    async (version) => {
      expect(await client.register({ schema_version: version })).toMatchObject({
        admitted: false,
        refusal_reason: `schema version "${version}" is not supported; this sidecar speaks version 1.x, as Meridian's Python SDK 0.1.0 does`,
      });
    },
  );
});

describe('a registered client', () => {
  beforeEach(async () => {
    await client.register();
  });

  test('publishes, and what it publishes comes back stamped by the sidecar', async () => {
    const subscription = await client.subscribed('platform.oms.stamped');
    const beforeMs = Date.now();
    const reply = await client.publish('platform.oms.stamped', 'filled', {
      payload_type: 'text',
      correlation_id: 'order-1',
      causation_id: 'signal-1',
    });
    expect(reply).toEqual({ accepted: true, message_id: expect.stringMatching(/./), refusal_reason: '' });
    const { meta, payload, payload_type } = await subscription.next();
    expect({ payload: payload.toString(), payload_type }).toEqual({ payload: 'filled', payload_type: 'text' });
    expect(meta).toEqual({
      message_id: reply.message_id,
      correlation_id: 'order-1',
      causation_id: 'signal-1',
      publisher_instance_id: 'oms-1',
      topic: 'platform.oms.stamped',
      schema_version: '1.0.0',
      published_at_ns: expect.stringMatching(/^\d+$/),
    });
    const publishedAtMs = Number(meta.published_at_ns) / 1e6;
    expect(publishedAtMs).toBeGreaterThanOrEqual(beforeMs - 1);
    expect(publishedAtMs).toBeLessThanOrEqual(Date.now() + 1);
    await subscription.cancel();
  });

  test('gets a message id of its own for every message', async () => {
    const replies = await Promise.all(Array.from({ length: 20 }, () => client.publish('platform.oms.many')));
    expect(new Set(replies.map(({ message_id }) => message_id)).size).toBe(20);
  });

  test('hears what another plugin publishes', async () => {
    const subscription = await client.subscribed('platform.data.*');
    await answering.publish('platform.data.quotes', Buffer.from('4711'));
    const { meta } = await subscription.next();
    expect(meta).toMatchObject({ publisher_instance_id: 'dgm-1', topic: 'platform.data.quotes' });
    await subscription.cancel();
  });

  test.each([
    ['a topic without a grant', 'platform.data.quotes', /^no publish grant for platform\.data\.quotes; /],
    [
      'a pattern',
      'platform.oms.*',
      /^"platform\.oms\.\*" is not a topic: it is a pattern: it has the wildcard segment/,
    ],
    [
      'a pattern of many segments',
      'platform.oms.**',
      /^"platform\.oms\.\*\*" is not a topic: it is a pattern: it has the wildcard segment/,
    ],
    ['an empty topic', '', /^"" is not a topic: it is empty/],
    ['an empty segment', 'platform..oms', /^"platform\.\.oms" is not a topic: it has an empty segment/],
    ["a store's own wildcard", 'platform.oms.>', /^"platform\.oms\.>" is not a topic: it has the segment ">"/],
    ['a blank', 'platform.oms.a b', /^"platform\.oms\.a b" is not a topic/],
    [
      'a topic over 255 bytes',
      `platform.oms.${'a'.repeat(255)}`,
      /is not a topic: it is 268 bytes long; the limit is 255/,
    ],
  ])('is told that a publish on %s is not accepted, with the topic', async (_, topic, reason) => {
    const reply = await client.publish(topic, 'x');
    expect(reply).toMatchObject({ accepted: false, message_id: '', refusal_reason: expect.stringMatching(reason) });
    expect(reply.refusal_reason).toContain(topic);
  });

  test.each([
    ['a topic without a grant', 'platform.ask.quote', 'PERMISSION_DENIED'],
    ['a pattern wider than its grant by the last segment', 'platform.data.**', 'PERMISSION_DENIED'],
    ['a pattern wider than its grant by the first segment', '*.oms.fills', 'PERMISSION_DENIED'],
    ['every topic', '**', 'PERMISSION_DENIED'],
    ["a store's own wildcard", 'platform.data.>', 'INVALID_ARGUMENT'],
    ['an empty pattern', '', 'INVALID_ARGUMENT'],
    ['a pattern with `**` before its end', 'platform.**.fills', 'INVALID_ARGUMENT'],
  ])('is refused a subscription to %s', async (_, pattern, code) => {
    const refusal = await statusOf(client.subscribe(pattern).next());
    expect(refusal).toMatchObject({ code, details: expect.stringContaining(pattern) });
  });

  test('goes on, with a new stream of the same pattern, after what the one before was handed', async () => {
    const first = await client.subscribed('platform.oms.resumed');
    await client.publish('platform.oms.resumed', 'one');
    expect(await first.texts(1)).toEqual(['one']);
    // Leave ends the stream at the sidecar, while what is published right after a cancel may still be handed to it.
    await client.leave();
    await client.register();
    for (const text of ['two', 'three']) await client.publish('platform.oms.resumed', text);
    const second = client.subscribe('platform.oms.resumed');
    expect(await second.texts(2)).toEqual(['two', 'three']);
    await second.cancel();
  });

  test('gets its own copy on each of two streams of one pattern', async () => {
    const streams = [await client.subscribed('platform.oms.twice'), await client.subscribed('platform.oms.twice')];
    await client.publish('platform.oms.twice', 'once');
    for (const stream of streams) expect(await stream.texts(1)).toEqual(['once']);
    await Promise.all(streams.map((stream) => stream.cancel()));
  });

  test('heartbeats', async () => {
    expect(await client.heartbeat()).toEqual({});
  });
});

describe('a call', () => {
  beforeEach(async () => {
    await client.register();
  });

  test('is answered by whoever serves its topic', async () => {
    const reply = await client.call('platform.ask.quote', 'ACME');
    expect({ ...reply, payload: reply.payload.toString() }).toEqual({
      ok: true,
      payload_type: 'text',
      payload: 're: ACME',
      failure: 'CALL_FAILURE_UNSPECIFIED',
      failure_detail: '',
    });
  });

  test.each([
    ['no grant', 'platform.data.quotes', {}, 'REFUSED', 'no publish grant for platform.data.quotes'],
    ['what is not a topic', 'platform.ask.*', {}, 'REFUSED', '"platform.ask.*" is not a topic'],
    ['nobody to serve it', 'platform.oms.cancel', {}, 'NO_HANDLER', 'nothing serves platform.oms.cancel'],
    ['a handler that throws', 'platform.ask.fail', {}, 'HANDLER_ERROR', 'no such symbol'],
    ['no answer in time', 'platform.ask.never', { timeout_ms: 100 }, 'TIMEOUT', 'not answered within 100 ms'],
  ])('with %s says so', async (_, topic, more, failure, detail) => {
    const reply = await client.call(topic, 'x', more);
    expect(reply).toMatchObject({ ok: false, failure: `CALL_FAILURE_${failure}` });
    expect(reply.failure_detail).toContain(detail);
  });

  test.each([[-1], [60_001]])('with a timeout of %i ms is an invalid argument', async (timeout_ms) => {
    expect(await statusOf(client.call('platform.ask.quote', '', { timeout_ms }))).toEqual({
      code: 'INVALID_ARGUMENT',
      details: `timeout_ms is ${timeout_ms}; it must be from 0 to 60000`,
    });
  });
});

describe('limits', () => {
  beforeEach(async () => {
    await client.register();
  });

  test('a payload of exactly 960 KiB is accepted and delivered whole', async () => {
    const subscription = await client.subscribed('platform.oms.large');
    const payload = Buffer.alloc(960 * 1024, 7);
    expect(await client.publish('platform.oms.large', payload)).toMatchObject({ accepted: true });
    expect((await subscription.next()).payload.equals(payload)).toBe(true);
    await subscription.cancel();
  });

  test.each([['Publish' as const], ['Call' as const]])(
    'one byte more is an invalid argument of %s, with limit and size',
    async (method) => {
      const payload = Buffer.alloc(960 * 1024 + 1);
      const outcome =
        method === 'Publish'
          ? client.publish('platform.oms.large', payload)
          : client.call('platform.oms.large', '', { payload });
      expect(await statusOf(outcome)).toEqual({
        code: 'INVALID_ARGUMENT',
        details: 'payload of 983041 bytes is over the limit of 983040 bytes',
      });
    },
  );

  test("a frame over the transport's limit exhausts it, and streams of the same connection live on", async () => {
    const subscription = await client.subscribed('platform.oms.alive');
    const outcome = client.publish('platform.oms.alive', Buffer.alloc(limits.messageBytes + 1));
    expect(await statusOf(outcome)).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    expect(await client.publish('platform.oms.alive', 'alive')).toMatchObject({ accepted: true });
    expect(await subscription.texts(1)).toEqual(['alive']);
    await subscription.cancel();
  });
});

describe('after Leave', () => {
  let over: ReturnType<typeof statusOf>;
  beforeAll(async () => {
    await client.register();
    over = statusOf((await client.subscribed('platform.oms.left')).next());
    await client.leave();
  });

  test.each(operations)('%s fails with FAILED_PRECONDITION', async (_, operation) => {
    expect(await statusOf(operation())).toEqual({
      code: 'FAILED_PRECONDITION',
      details: 'this plugin has left: call Register again first',
    });
  });

  test('a stream that was open is over', async () => {
    expect(await over).toEqual({ code: 'CANCELLED', details: 'the plugin has left' });
  });

  test('Register admits again', async () => {
    expect(await client.register()).toMatchObject({ admitted: true });
    expect(await client.publish('platform.oms.again')).toMatchObject({ accepted: true });
  });
});
