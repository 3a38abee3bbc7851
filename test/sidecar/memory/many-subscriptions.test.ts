import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import { create, type MessageInitShape } from '../../../src/contract/wire/codec/message.ts';
import {
  type ConsumedMessage,
  type ConsumeEvent,
  type ConsumeRequest,
  ConsumeRequestSchema,
  StartAt,
} from '../../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { pluginMethods } from '../../../src/contract/wire/methods.ts';
import { scrape } from '../metrics/exposition.ts';
import { connectPlugin } from '../plugins.ts';
import { endAll, startBus, startSidecar } from '../processes.ts';

afterEach(endAll);

const subscriptions = 40;
const messages = 3;
const payload = Buffer.alloc(900 * 1024);
/** Half of what a sidecar of 128 MB may hold. */
const limitBytes = 8 * 1024 * 1024;

type Stream = ClientDuplexStream<ConsumeRequest, ConsumeEvent>;

function open(client: Client, name: string): Stream {
  const { path, request, response } = pluginMethods.consume;
  const encode = (message: ConsumeRequest): Buffer => Buffer.from(request.encode(message));
  const stream = client.makeBidiStreamRequest(path, encode, (bytes) => response.decode(bytes));
  // It is cut off at the end of the test.
  stream.on('error', () => {});
  const credit = { messages: 1_000, bytes: 2 ** 31 };
  const value = { name, pattern: 'platform.oms.*', startAt: StartAt.NEW, credit };
  send(stream, { case: 'open', value });
  return stream;
}

function send(stream: Stream, message: NonNullable<MessageInitShape<typeof ConsumeRequestSchema>['message']>): void {
  stream.write(create(ConsumeRequestSchema, { message }));
}

/** Takes the next event off the stream and leaves all behind it unread. */
function next(stream: Stream): Promise<ConsumeEvent['event']> {
  return new Promise((resolve, reject) => {
    stream.once('error', reject);
    stream.once('data', ({ event }: ConsumeEvent) => {
      stream.pause();
      stream.off('error', reject);
      resolve(event);
    });
    stream.resume();
  });
}

async function heldBytes(healthUrl: string): Promise<number> {
  const { samples } = await scrape(healthUrl);
  const held = samples.find(
    ({ name, labels }) => name === 'meridian_sidecar_held_bytes' && labels.direction === 'to_plugin',
  );
  return Number(held?.value);
}

test('of many subscriptions that nobody reads, no more is held than the limit; read later, each gets everything in order and once', async () => {
  const bus = await startBus();
  const reader = await startSidecar(bus.address);
  const writer = await startSidecar(bus.address, { INSTANCE_ID: 'oms-writer' });
  const own = await connectPlugin(reader.address);
  const client = new Client(reader.address, credentials.createInsecure(), {
    'grpc.max_receive_message_length': 2 ** 21,
  });
  const streams = Array.from({ length: subscriptions }, (_, index) => open(client, `slow-${index}`));
  for (const stream of streams) expect((await next(stream)).case).toBe('opened');

  const publisher = await connectPlugin(writer.address);
  for (let index = 0; index < messages; index += 1) await publisher.publish('platform.oms.large', payload);
  while ((await heldBytes(reader.healthUrl)) < limitBytes / 2);
  expect(await heldBytes(reader.healthUrl)).toBeLessThanOrEqual(limitBytes);
  await own.publish('platform.oms.large', Buffer.from('last'));

  await Promise.all(
    streams.map(async (stream) => {
      const taken: ConsumedMessage[] = [];
      while (taken.length <= messages) {
        const event = await next(stream);
        if (event.case === 'message') taken.push(event.value);
      }
      expect(taken.map(({ envelope }) => envelope?.payload.length)).toEqual([
        ...Array(messages).fill(payload.length),
        4,
      ]);
      expect(taken.map(({ attempt }) => attempt)).toEqual(taken.map(() => 1));
    }),
  );
  expect(await heldBytes(reader.healthUrl)).toBeLessThanOrEqual(limitBytes);
  client.close();
});
