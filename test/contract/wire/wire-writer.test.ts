import { expect, test } from 'vitest';
import { create, toBinary } from '../../../src/contract/wire/codec/message.ts';
import { CreditSchema, LeaseRenewedSchema } from '../../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { CallRequestSchema, PublishRequestSchema } from '../../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { readMessage } from '../../../src/contract/wire/read-message.ts';

test.each([
  ['uint32, not -1', CreditSchema, { messages: -1 }],
  ['uint32, not 4294967296', CreditSchema, { bytes: 2 ** 32 }],
  ['uint32, not 0.5', CreditSchema, { bytes: 0.5 }],
  ['uint32, not NaN', CreditSchema, { bytes: Number.NaN }],
  ['uint64, not -1', LeaseRenewedSchema, { sequence: -1n }],
  ['uint64, not 18446744073709551616', LeaseRenewedSchema, { sequence: 2n ** 64n }],
  ['int64, not 9223372036854775808', PublishRequestSchema, { tsEventNs: 2n ** 63n }],
  ['int32, not 2147483648', CallRequestSchema, { timeoutMs: 2 ** 31 }],
  ['bytes, not a value of type string', PublishRequestSchema, { payload: 'text' }],
  ['string, not 7', PublishRequestSchema, { topic: 7 }],
] as const)('a field takes %s', (fault, type, init) => {
  const message = create(type as typeof PublishRequestSchema, init as object);
  expect(() => toBinary(type as typeof PublishRequestSchema, message)).toThrow(
    new RegExp(`^${type.typeName} cannot be written: field \\d+ takes ${fault}$`),
  );
});

test('the message after one that cannot be written is written whole', () => {
  const bad = create(PublishRequestSchema, { topic: 'a', tsEventNs: 2n ** 63n });
  const good = create(PublishRequestSchema, { topic: 'b' });
  expect(() => toBinary(PublishRequestSchema, bad)).toThrow('takes int64');
  expect(Buffer.from(toBinary(PublishRequestSchema, good))).toEqual(Buffer.of(0x0a, 1, 0x62));
});

test('an encoding does not change when others are made', () => {
  const sizes = Array.from({ length: 200 }, (_, index) => (index * 977) % 20_000);
  const requests = sizes.map((size, index) =>
    create(PublishRequestSchema, { payload: new Uint8Array(size).fill(index) }),
  );
  const encodings = requests.map((request) => toBinary(PublishRequestSchema, request));
  expect(encodings.map((bytes) => readMessage(PublishRequestSchema, bytes))).toEqual(requests);
});

test('an encoding holds no more memory than its block and itself', () => {
  for (const size of [0, 100, 16_384, 1_048_576]) {
    const bytes = toBinary(PublishRequestSchema, create(PublishRequestSchema, { payload: new Uint8Array(size) }));
    expect(bytes.buffer.byteLength).toBeLessThanOrEqual(2 * 16_384 + 2 * size);
  }
});

test('half a surrogate pair is written as U+FFFD', () => {
  const bytes = toBinary(PublishRequestSchema, create(PublishRequestSchema, { topic: 'a\uD800' }));
  expect(readMessage(PublishRequestSchema, bytes).topic).toBe('a\uFFFD');
});
