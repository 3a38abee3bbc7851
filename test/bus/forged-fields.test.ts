import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { MessageInitShape } from '../../src/contract/wire/codec/message.ts';
import { CallOutcome } from '../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { EnvelopeSchema, MessageMeta } from '../../src/contract/wire/gen/meridian/v1/envelope_pb.ts';
import { limits } from '../../src/contract/wire/limits.ts';
import { endAll, startBus, writeTemporary } from '../sidecar/processes.ts';
import { RawSession } from './raw-session.ts';

afterEach(endAll);

type EnvelopeInit = MessageInitShape<typeof EnvelopeSchema>;
type MetaInit = NonNullable<EnvelopeInit['meta']>;

const topic = 'platform.oms.fills';
const question = 'platform.ask.price';
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** What a plugin may say of its message, and everything else made up. */
const plugins = {
  ...{
    correlationId: 'order 1',
    causationId: 'order 0',
    schemaVersion: '2.1.0',
    dedupKey: 'fill 1',
    partitionKey: 'account 7',
  },
  ...{ traceparent, tracestate: 'vendor=opaque', tsEventNs: 1_700_000_000_000_000_000n },
};
const forged = {
  ...{ messageId: 'dgm-1-1-1', publishedAtNs: 9_000_000_000_000_000_000n, tsInitNs: 1n },
  ...{ originalTopic: 'platform.secret', originalPublisherInstanceId: 'dgm-1', originalPublishedAtNs: 5n },
  ...{ failedSubscription: 'orders', failedAttempts: 99 },
};

async function scene() {
  const audit = writeTemporary('audit.log', '');
  const { address, program } = await startBus(undefined, 'memory', '--audit', audit);
  const [forger, reader, responder] = await Promise.all([
    RawSession.open(address, 'oms-9', 'OMSPool'),
    RawSession.open(address, 'oms-2', 'OMSPool'),
    RawSession.open(address, 'dgm-1', 'DGMPool'),
  ]);
  reader.send({
    case: 'subscribe',
    value: { subscriptionId: 1, name: 'all', pattern: 'platform.oms.*', creditMessages: 100, creditBytes: 1 << 24 },
  });
  await reader.next('subscribed');
  responder.send({ case: 'serve', value: { serverId: 1, pattern: 'platform.ask.*' } });
  await responder.next('serving');
  let sequence = 0n;
  const publish = async (envelope: EnvelopeInit | undefined) => {
    sequence += 1n;
    forger.send({ case: 'publish', value: { sequence, settledBelow: sequence, ...(envelope && { envelope }) } });
    return forger.next('publishResult');
  };
  const call = (envelope: EnvelopeInit, callId = 7n): void =>
    forger.send({ case: 'call', value: { callId, timeoutMs: 5_000, envelope } });
  const auditText = async (): Promise<string> => {
    program.signal('SIGTERM');
    await program.exited;
    return readFileSync(audit, 'utf8');
  };
  return { address, forger, reader, responder, publish, call, auditText };
}

function expectStamped(meta: MessageMeta | undefined, messageId: string): void {
  const nowNs = BigInt(Date.now()) * 1_000_000n;
  expect(meta).toMatchObject({
    ...{ messageId, publisherInstanceId: 'oms-9', originalTopic: '', originalPublisherInstanceId: '' },
    ...{ originalPublishedAtNs: 0n, failedSubscription: '', failedAttempts: 0 },
  });
  const { publishedAtNs = 0n, tsInitNs } = meta ?? {};
  expect(Math.abs(Number(publishedAtNs - nowNs))).toBeLessThan(600e9);
  expect(tsInitNs).toBe(publishedAtNs);
}

describe('of a publish', () => {
  test('the bus stamps what the plugin may not say, and passes on what it may', async () => {
    const { forger, reader, publish } = await scene();
    const { messageId } = await publish({
      payloadType: 'fill',
      payload: Buffer.from('1'),
      meta: { topic, ...plugins, ...forged },
    });
    const { envelope } = await reader.next('delivery');
    expect(messageId).toBe(`oms-9-${forger.owner.epoch}-1`);
    expectStamped(envelope?.meta, messageId);
    expect(envelope).toMatchObject({ payloadType: 'fill', meta: { topic, ...plugins } });
  });

  test('an id, times and a trace that cannot be its own are replaced', async () => {
    const { reader, publish, forger } = await scene();
    const ids = ['', 'oms-9-99-1', 'oms-91-1-1', `oms-9-${forger.owner.epoch}-2-1`, 'x'.repeat(200)];
    for (const [index, messageId] of ids.entries()) {
      await publish({
        meta: { topic, messageId, publishedAtNs: -1n, traceparent: `${traceparent}\nx`, tracestate: 'a' },
      });
      const { envelope } = await reader.next('delivery');
      expectStamped(envelope?.meta, `oms-9-${forger.owner.epoch}-${index + 1}`);
      expect(envelope?.meta).toMatchObject({ traceparent: '', tracestate: '' });
    }
    await publish({ meta: { topic, traceparent, tracestate: 'a\u0000b' } });
    expect((await reader.next('delivery')).envelope?.meta).toMatchObject({ traceparent, tracestate: '' });
  });

  const refused: [what: string, meta: MetaInit, reason: RegExp][] = [
    ['another publisher', { publisherInstanceId: 'dgm-1' }, /the publisher is not this instance, which is oms-9/],
    ['an event far ahead', { tsEventNs: 9n * 10n ** 18n }, /ts_event is \d+ ms ahead .* the 60000 ms allowed/],
    ['a long dedup key', { dedupKey: 'k'.repeat(1_025) }, /dedup_key is 1025 bytes long; the limit is 1024/],
    ['a long id', { messageId: 'k'.repeat(257) }, /message_id is 257 bytes long; the limit is 256/],
  ];

  test.each(refused)('%s is refused, and audited under the name that registered', async (_what, meta, reason) => {
    const { publish, auditText } = await scene();
    expect(await publish({ meta: { topic, ...meta } })).toMatchObject({
      accepted: false,
      refusalReason: expect.stringMatching(reason),
    });
    expect(await publish(undefined)).toMatchObject({ refusalReason: 'the envelope is missing' });
    const text = await auditText();
    expect(text).toContain('"publisher":"oms-9"');
    expect(text).not.toContain('dgm-1');
  });

  test('an id stays the same when it is sent again, in its epoch and in a later one', async () => {
    const { address, forger, reader, publish } = await scene();
    const { messageId } = await publish({ meta: { topic } });
    forger.send({ case: 'publish', value: { sequence: 1n, settledBelow: 1n, envelope: { meta: { topic } } } });
    expect(await forger.next('publishResult')).toMatchObject({ messageId, accepted: true, duplicate: false });
    forger.close();
    const later = await RawSession.open(address, 'oms-9', 'OMSPool');
    expect(later.owner.epoch).toBeGreaterThan(forger.owner.epoch);
    const meta = { topic, messageId };
    later.send({ case: 'publish', value: { sequence: 1n, settledBelow: 1n, envelope: { meta } } });
    expect(await later.next('publishResult')).toMatchObject({ accepted: true, messageId });
    await reader.next('delivery');
    expect((await reader.next('delivery')).envelope?.meta?.messageId).toBe(messageId);
  });
});

describe('of a call', () => {
  test('the bus stamps what the plugin may not say', async () => {
    const { call, responder, forger } = await scene();
    call({ payload: Buffer.from('?'), meta: { topic: question, ...plugins, ...forged } });
    const { envelope } = await responder.next('request');
    expectStamped(envelope?.meta, `oms-9-${forger.owner.epoch}-call-7`);
    expect(envelope?.meta).toMatchObject({ topic: question, correlationId: 'order 1', traceparent });
  });

  test('another publisher and a payload over the limit reach no responder and no audit log', async () => {
    const { call, forger, auditText } = await scene();
    call({ meta: { topic: question, publisherInstanceId: 'oms-2' } }, 1n);
    expect(await forger.next('callResult')).toMatchObject({
      outcome: CallOutcome.REFUSED,
      detail: 'the publisher is not this instance, which is oms-9',
    });
    call({ payload: new Uint8Array(1_064_960), meta: { topic: question } }, 2n);
    expect(await forger.next('callResult')).toMatchObject({
      outcome: CallOutcome.REFUSED,
      detail: 'payload of 1064960 bytes is over the limit of 983040 bytes',
    });
    const text = await auditText();
    expect(text).not.toContain('oms-2');
    expect(text).not.toContain('routed');
  });
});

describe('of an answer', () => {
  const tooLarge = [
    [{ payload: new Uint8Array(limits.payloadBytes + 1) }, /payload of 983041 bytes is over the limit of 983040/],
    [{ payloadType: 't'.repeat(257) }, /payload_type is 257 bytes long; the limit is 256/],
    [{ ok: false, errorDetail: 'e'.repeat(4_097) }, /error_detail is 4097 bytes long; the limit is 4096/],
  ] as const;

  test.each(tooLarge)('a field over its limit fails that call only: %$', async (answer, detail) => {
    const { call, responder, forger } = await scene();
    const answerWith = async (value: object): Promise<void> => {
      const { requestId } = await responder.next('request');
      responder.send({ case: 'answer', value: { requestId, ok: true, ...value } });
    };
    call({ meta: { topic: question } }, 1n);
    await answerWith(answer);
    expect(await forger.next('callResult')).toMatchObject({
      outcome: CallOutcome.HANDLER_ERROR,
      detail: expect.stringMatching(detail),
    });
    call({ meta: { topic: question } }, 2n);
    await answerWith({ payload: Buffer.from('42'), errorDetail: 'ignored' });
    expect(await forger.next('callResult')).toMatchObject({ outcome: CallOutcome.ANSWERED, detail: '' });
  });
});
