import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { create, type MessageInitShape } from '../../src/contract/wire/codec/message.ts';
import {
  ActivateRequestSchema,
  CallOutcome,
  EndReason,
  RegisterRequestSchema as RegisterAtBusSchema,
  SaveStateRequestSchema as SaveAtBusSchema,
  type SessionEvent,
  type SessionRequest,
  SessionRequestSchema,
} from '../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import {
  ConsumeRequestSchema,
  SaveStateRequestSchema,
} from '../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { PublishRequestSchema, RegisterRequestSchema } from '../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { limits } from '../../src/contract/wire/limits.ts';
import { busMethods, pluginMethods, sidecarMethods } from '../../src/contract/wire/methods.ts';
import { busProtocolVersion } from '../../src/contract/wire/protocol-version.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import type { ClientStream, Connection } from '../../src/transport/rpc.ts';
import { RpcError } from '../../src/transport/status.ts';
import { repeated, unknownField, withRawRequests } from '../contract/wire/raw-message.ts';
import { endAll, startBus, startSidecar } from './processes.ts';

let plugin: Connection;
let bus: Connection;
let session: ClientStream<SessionEvent, SessionRequest>;
let events: AsyncIterator<SessionEvent>;
let owner: { instanceId: string; epoch: bigint };

// Twice the limit, so that it is the other side that refuses.
const dial = (address: string): Promise<Connection> =>
  grpcNetwork.connect(address, { timeoutMs: 5_000, maxMessageBytes: 2 * limits.messageBytes });

beforeAll(async () => {
  const running = await startBus();
  plugin = await dial((await startSidecar(running.address)).address);
  await plugin.unary(sidecarMethods.register, create(RegisterRequestSchema));

  bus = await dial(running.address);
  const instance = { protocolVersion: busProtocolVersion, instanceId: 'oms-2', poolType: 'OMSPool' };
  const { epoch } = await bus.unary(busMethods.register, create(RegisterAtBusSchema, instance));
  owner = { instanceId: instance.instanceId, epoch };
  session = bus.stream(busMethods.session);
  events = session[Symbol.asyncIterator]();
  send({ case: 'open', value: owner });
  await bus.unary(busMethods.activate, create(ActivateRequestSchema, owner));
});
afterAll(async () => {
  plugin.close();
  bus.close();
  await endAll();
});

function send(message: NonNullable<MessageInitShape<typeof SessionRequestSchema>['message']>): void {
  session.write(create(SessionRequestSchema, { message }));
}

async function next<Case extends NonNullable<SessionEvent['event']['case']>>(
  wanted: Case,
): Promise<Extract<SessionEvent['event'], { case: Case }>['value']> {
  for (;;) {
    const { done, value } = await events.next();
    if (done) throw new Error('the session ended');
    if (value.event.case === wanted) return value.event.value as never;
  }
}

const settled = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'OK',
    (error: unknown) => ({ code: RpcError.from(error).code, message: RpcError.from(error).message }),
  );

const topicOf = (bytes: number, segments: number): string => {
  const all = ['platform', 'oms', ...Array.from({ length: segments - 2 }, () => 'a')].join('.');
  return all + 'b'.repeat(bytes - all.length);
};

const publishes: [what: string, request: { topic: string; payload?: Uint8Array }, refusal: RegExp | undefined][] = [
  ['a topic of 255 bytes', { topic: topicOf(255, 4) }, undefined],
  ['a topic of 256 bytes', { topic: topicOf(256, 4) }, /is 256 bytes long; the limit is 255/],
  ['a topic of 16 segments', { topic: topicOf(100, 16) }, undefined],
  ['a topic of 17 segments', { topic: topicOf(100, 17) }, /has 17 segments; the limit is 16/],
  ['a payload of 960 KiB', { topic: topicOf(20, 3), payload: new Uint8Array(983_040) }, undefined],
  [
    'a payload of 960 KiB and a byte',
    { topic: topicOf(20, 3), payload: new Uint8Array(983_041) },
    /payload of 983041 bytes is over the limit of 983040/,
  ],
];

describe('a publish with', () => {
  test.each(publishes)('%s at the plugin port', async (_what, request, refusal) => {
    const reply = await plugin
      .unary(sidecarMethods.publish, create(PublishRequestSchema, request))
      .catch((error: unknown) => RpcError.from(error));
    if (reply instanceof RpcError) expect(reply.code).toBe('INVALID_ARGUMENT');
    const reason = reply instanceof RpcError ? reply.message : reply.refusalReason;
    expect(reason).toMatch(refusal ?? /^$/);
  });

  let sequence = 0n;
  test.each(publishes)('%s at the bus', async (_what, { topic, payload = new Uint8Array() }, refusal) => {
    sequence += 1n;
    const meta = { messageId: `m${sequence}`, topic, publisherInstanceId: owner.instanceId };
    send({ case: 'publish', value: { sequence, settledBelow: sequence, envelope: { meta, payload } } });
    const result = await next('publishResult');
    expect(result).toMatchObject({ sequence, accepted: refusal === undefined });
    expect(result.refusalReason).toMatch(refusal ?? /^$/);
  });
});

describe('a state', () => {
  const states: [number, unknown][] = [
    [limits.stateBytes, 'OK'],
    [
      limits.stateBytes + 1,
      { code: 'RESOURCE_EXHAUSTED', message: expect.stringMatching(/of 1048577 bytes is over the limit of 1048576/) },
    ],
  ];

  test.each(states)('of %i bytes at the plugin port', async (bytes, outcome) => {
    const request = create(SaveStateRequestSchema, { state: new Uint8Array(bytes) });
    expect(await settled(plugin.unary(pluginMethods.saveState, request))).toEqual(outcome);
  });

  test.each(states)('of %i bytes at the bus', async (bytes, outcome) => {
    const request = create(SaveAtBusSchema, { ...owner, state: new Uint8Array(bytes) });
    expect(await settled(bus.unary(busMethods.saveState, request))).toEqual(outcome);
  });
});

describe('of subscriptions there may be 512', () => {
  test('and no more at the plugin port', async () => {
    const open = async (index: number): Promise<unknown> => {
      const stream = plugin.stream(pluginMethods.consume);
      const value = { name: `s${index}`, pattern: 'platform.oms.*', credit: { messages: 1, bytes: 1 } };
      stream.write(create(ConsumeRequestSchema, { message: { case: 'open', value } }));
      return settled(stream[Symbol.asyncIterator]().next());
    };
    const outcomes = await Promise.all(Array.from({ length: limits.subscriptions }, (_, index) => open(index)));
    expect(new Set(outcomes)).toEqual(new Set(['OK']));
    expect(await open(limits.subscriptions)).toEqual({
      code: 'RESOURCE_EXHAUSTED',
      message: 'there are 512 subscriptions already, which is the limit',
    });
  });

  test('and no more at the bus', async () => {
    for (let subscriptionId = 1; subscriptionId <= limits.subscriptions + 1; subscriptionId += 1) {
      send({ case: 'subscribe', value: { subscriptionId, name: `s${subscriptionId}`, pattern: 'platform.oms.*' } });
    }
    expect(await next('subscriptionEnded')).toMatchObject({
      subscriptionId: limits.subscriptions + 1,
      reason: EndReason.LIMIT,
      detail: 'over the quota subscriptions: there are 512 already, and the limit is 512',
    });
  });
});

test('a message over the limit of the transport ends the session at the bus, which says so', async () => {
  const payload = new Uint8Array(limits.messageBytes);
  const meta = { messageId: 'huge', topic: 'platform.oms.huge', publisherInstanceId: owner.instanceId };
  send({ case: 'call', value: { callId: 1n, timeoutMs: 10, envelope: { meta: { topic: 'platform.ask.nobody' } } } });
  expect((await next('callResult')).outcome).toBe(CallOutcome.NO_HANDLER);
  send({ case: 'publish', value: { sequence: 99n, settledBelow: 99n, envelope: { meta, payload } } });
  const ended = await settled(next('publishResult'));
  expect(ended).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
});

describe('a message with more values than 131,072', () => {
  const emptyMessages = (fieldNumber: number): Uint8Array => repeated([(fieldNumber << 3) | 2, 0], 550_000);
  const refused = {
    code: 'RESOURCE_EXHAUSTED',
    message: expect.stringContaining('with 550000 values; at most 131072 are allowed'),
  };

  test('is refused by the bus', async () => {
    expect(await settled(bus.unary(withRawRequests(busMethods.register), emptyMessages(4)))).toEqual(refused);
  });

  test('is refused by the sidecar', async () => {
    const save = plugin.unary(withRawRequests(pluginMethods.saveState), emptyMessages(2));
    expect(await settled(save)).toEqual(refused);
  });

  test('whose fields the contract does not have is taken without them', async () => {
    const register = withRawRequests(sidecarMethods.register);
    const reply = await plugin.unary(register, repeated(unknownField, 550_000));
    expect(reply).toMatchObject({ admitted: true });
  });
});
