import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  create,
  type MessageInitShape,
  type MessageType,
  type MethodType,
  type WireField,
} from '../../src/contract/wire/codec/message.ts';
import { limitOf } from '../../src/contract/wire/field-limits/field-limits.ts';
import { BusService } from '../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { DeadLetterService } from '../../src/contract/wire/gen/meridian/bus/v1/dead_letters_pb.ts';
import { GrantService } from '../../src/contract/wire/gen/meridian/bus/v1/grants_pb.ts';
import { InstanceService } from '../../src/contract/wire/gen/meridian/bus/v1/instances_pb.ts';
import { OverviewService } from '../../src/contract/wire/gen/meridian/bus/v1/overview_pb.ts';
import { SubscriptionService } from '../../src/contract/wire/gen/meridian/bus/v1/subscriptions_pb.ts';
import {
  ConsumeRequestSchema,
  LifecycleRequestSchema,
  PluginService,
  type PublishBatch,
  PublishBatchSchema,
  PublishOutcome,
  type PublishResults,
  type ServeEvent,
  type ServeRequest,
  ServeRequestSchema,
} from '../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import {
  CallFailure,
  CallRequestSchema,
  RegisterRequestSchema,
  SidecarService,
} from '../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { limits } from '../../src/contract/wire/limits.ts';
import {
  busMethods,
  deadLetterMethods,
  grantMethods,
  instanceMethods,
  overviewMethods,
  pluginMethods,
  sidecarMethods,
  subscriptionMethods,
} from '../../src/contract/wire/methods.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import type { Connection, StreamMethod, UnaryMethod } from '../../src/transport/rpc.ts';
import { RpcError } from '../../src/transport/status.ts';
import { endAll, startBus, startSidecar } from './processes.ts';

let plugin: Connection;
let bus: Connection;

const dial = (address: string): Promise<Connection> =>
  grpcNetwork.connect(address, { timeoutMs: 5_000, maxMessageBytes: 2 * limits.messageBytes });

beforeAll(async () => {
  const running = await startBus();
  bus = await dial(running.address);
  plugin = await dial((await startSidecar(running.address)).address);
});
// The end of a Lifecycle stream is the end of its plugin's registration.
beforeEach(async () => {
  await plugin.unary(sidecarMethods.register, create(RegisterRequestSchema));
});
afterAll(async () => {
  plugin.close();
  bus.close();
  await endAll();
});

const isText = ({ kind }: WireField): boolean => kind === 'string' || kind === 'bytes';

/** For each limited field of a message, and of the messages in it, a message with too much in that field. */
function overLimit(type: MessageType<unknown>): { readonly field: string; readonly init: Record<string, unknown> }[] {
  return type.fields().flatMap((field) => {
    const inner = field.message;
    const wrapped = (value: unknown): Record<string, unknown> => ({
      [field.localName]: field.isList ? [value] : value,
    });
    const found = inner ? overLimit(inner).map((each) => ({ field: each.field, init: wrapped(each.init) })) : [];
    if (isText(field)) found.push({ field: field.name, init: wrapped(tooLong(type, field)) });
    if (field.isList) {
      const item = inner ? {} : isText(field) ? 'a' : 1n;
      const { items = 0 } = limitOf(type, field);
      found.push({ field: field.name, init: { [field.localName]: Array.from({ length: items + 1 }, () => item) } });
    }
    return found;
  });
}

function tooLong(type: MessageType<unknown>, field: WireField): string | Uint8Array {
  const { bytes = 0 } = limitOf(type, field);
  return field.kind === 'bytes' ? new Uint8Array(bytes + 1) : 'x'.repeat(bytes + 1);
}

const services = [
  { service: SidecarService, methods: sidecarMethods, of: () => plugin },
  { service: PluginService, methods: pluginMethods, of: () => plugin },
  { service: BusService, methods: busMethods, of: () => bus },
  { service: DeadLetterService, methods: deadLetterMethods, of: () => bus },
  { service: GrantService, methods: grantMethods, of: () => bus },
  { service: InstanceService, methods: instanceMethods, of: () => bus },
  { service: OverviewService, methods: overviewMethods, of: () => bus },
  { service: SubscriptionService, methods: subscriptionMethods, of: () => bus },
] as const;
/** Publish and Call refuse a topic by their reply. */
const isByReply = (method: string, field: string): boolean => ['Publish', 'Call'].includes(method) && field === 'topic';
const unaryCases = services.flatMap(({ service, methods, of }) =>
  Object.entries<MethodType>(service.methods)
    .filter(([, { kind }]) => kind === 'unary')
    .flatMap(([localName, { name, input }]) =>
      overLimit(input)
        .filter(({ field }) => !isByReply(name, field))
        .map(({ field, init }) => ({
          name,
          field,
          input,
          init,
          of,
          method: methods[localName as never],
        })),
    ),
);

async function failureOf(work: Promise<unknown>): Promise<RpcError> {
  return work.then(
    () => Promise.reject(new Error('it was taken')),
    (error: unknown) => RpcError.from(error),
  );
}

describe('over its limit is refused, by name, limit and value', () => {
  test.each(unaryCases)('$field of $name', async ({ field, input, init, of, method }) => {
    const failure = await failureOf(of().unary(method as UnaryMethod<never, never>, create(input, init) as never));
    expect(['INVALID_ARGUMENT', 'RESOURCE_EXHAUSTED']).toContain(failure.code);
    expect(failure.message).toMatch(new RegExp(`^${field} (is|of|has) \\d+ .*limit (is|of) \\d+`));
  });

  test.each([
    ['detail of a health report', pluginMethods.lifecycle, LifecycleRequestSchema, 'healthReport', 'detail', 4_097],
    ['client of Attach', pluginMethods.lifecycle, LifecycleRequestSchema, 'attach', 'client', 257],
    ['name of a subscription', pluginMethods.consume, ConsumeRequestSchema, 'open', 'name', 129],
    ['pattern of a subscription', pluginMethods.consume, ConsumeRequestSchema, 'open', 'pattern', 256],
    [
      'dead_letter_topic of a subscription',
      pluginMethods.consume,
      ConsumeRequestSchema,
      'open',
      'deadLetterTopic',
      256,
    ],
    ['pattern of a server', pluginMethods.serve, ServeRequestSchema, 'open', 'pattern', 256],
  ] as const)('%s, which ends the stream', async (_what, method, schema, kind, field, length) => {
    const stream = plugin.stream(method as StreamMethod<unknown, unknown>);
    const value = { [field]: 'x'.repeat(length) };
    stream.write(create(schema as typeof ServeRequestSchema, { message: { case: kind, value } as never }));
    const failure = await failureOf(stream[Symbol.asyncIterator]().next());
    expect(failure.code).toBe('INVALID_ARGUMENT');
    expect(failure.message).toContain(`is ${length} bytes long; the limit is ${length - 1}`);
  });

  test('positions of one acknowledgement, which ends the stream before any is decoded', async () => {
    const stream = plugin.stream(pluginMethods.consume);
    const events = stream[Symbol.asyncIterator]();
    const open = { name: 'acks', pattern: 'platform.oms.*' };
    stream.write(create(ConsumeRequestSchema, { message: { case: 'open', value: open } }));
    await events.next();
    const positions = Array.from({ length: 100_000 }, () => 1n);
    stream.write(create(ConsumeRequestSchema, { message: { case: 'acknowledge', value: { positions } } }));
    expect(await failureOf(events.next())).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      message: 'positions has 100000 items; the limit is 8192',
    });
  });
});

test('an item of a stream that is over a limit is refused, and those behind it are accepted', async () => {
  const stream = plugin.stream<PublishBatch, PublishResults>(pluginMethods.publish);
  const topic = 'platform.oms.fills';
  const requests = [{ dedupKey: 'k'.repeat(1_025) }, { correlationId: 'k'.repeat(130_000) }, {}];
  const items = requests.map((request, index) => ({ clientSequence: BigInt(index), request: { topic, ...request } }));
  stream.write(create(PublishBatchSchema, { items }));
  const outcomes = new Map<bigint, string>();
  for await (const { results } of stream) {
    for (const { clientSequence, outcome, refusalReason } of results)
      outcomes.set(clientSequence, refusalReason || `accepted: ${outcome === PublishOutcome.ACCEPTED}`);
    if (outcomes.size === items.length) break;
  }
  expect(outcomes).toEqual(
    new Map([
      [0n, 'dedup_key is 1025 bytes long; the limit is 1024'],
      [1n, 'correlation_id is 130000 bytes long; the limit is 1024'],
      [2n, 'accepted: true'],
    ]),
  );
});

test('of a batch of 20,000 items each is answered once, and refused past the limit of 1,024', async () => {
  const stream = plugin.stream<PublishBatch, PublishResults>(pluginMethods.publish);
  const request = { topic: 'platform.oms.fills' };
  const items = Array.from({ length: 20_000 }, (_, index) => ({ clientSequence: BigInt(index + 1), request }));
  stream.write(create(PublishBatchSchema, { items }));
  const reasons = new Map<bigint, string>();
  for await (const { results } of stream) {
    for (const { clientSequence, refusalReason } of results) reasons.set(clientSequence, refusalReason);
    if (reasons.size === items.length) break;
  }
  const past = 'RESOURCE_EXHAUSTED: the batch has more items than the limit of 1024, and this is one past it';
  expect([1n, 1_024n, 1_025n, 20_000n].map((sequence) => reasons.get(sequence))).toEqual(['', '', past, past]);
});

test('an answer over a limit fails its call only, and the stream of answers goes on', async () => {
  const stream = plugin.stream<ServeRequest, ServeEvent>(pluginMethods.serve);
  const send = (message: NonNullable<MessageInitShape<typeof ServeRequestSchema>['message']>): void =>
    void stream.write(create(ServeRequestSchema, { message }));
  send({ case: 'open', value: { pattern: 'platform.oms.*' } });
  const events = stream[Symbol.asyncIterator]();
  await events.next();
  const ask = () => plugin.unary(sidecarMethods.call, create(CallRequestSchema, { topic: 'platform.oms.ask' }));
  const answers = [new Uint8Array(limits.payloadBytes + 1), new Uint8Array(limits.payloadBytes)];
  const replies = [];
  for (const payload of answers) {
    const reply = ask();
    const { value } = await events.next();
    const requestId = value?.event.case === 'request' ? value.event.value.requestId : 0n;
    send({ case: 'answer', value: { requestId, ok: true, payload } });
    const { ok, failure, failureDetail } = await reply;
    replies.push({ ok, failure, failureDetail });
  }
  expect(replies).toEqual([
    {
      ok: false,
      failure: CallFailure.HANDLER_ERROR,
      failureDetail: 'the answer is not passed on: payload of 983041 bytes is over the limit of 983040 bytes',
    },
    { ok: true, failure: CallFailure.UNSPECIFIED, failureDetail: '' },
  ]);
});
