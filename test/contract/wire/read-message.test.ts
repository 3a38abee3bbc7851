import { describe, expect, test } from 'vitest';
import { create, toBinary } from '../../../src/contract/wire/codec/message.ts';
import {
  RegisterRequestSchema,
  type SessionRequestSchema,
} from '../../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import {
  ConsumeRequestSchema,
  PublishBatchSchema,
} from '../../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { limits } from '../../../src/contract/wire/limits.ts';
import { readMessage } from '../../../src/contract/wire/read-message.ts';
import { lengthDelimited, repeated, unknownField } from './raw-message.ts';

const many = 550_000;
const overLimit = new RegExp(`with ${many} values; at most ${limits.messageValues} are allowed`);

test('fields that the contract does not have are not kept, and do not count', () => {
  const known = toBinary(RegisterRequestSchema, create(RegisterRequestSchema, { instanceId: 'oms-1' }));
  const decoded = readMessage(RegisterRequestSchema, Buffer.concat([repeated(unknownField, many), known]));
  expect(decoded.instanceId).toBe('oms-1');
  expect(toBinary(RegisterRequestSchema, decoded)).toEqual(known);
});

describe('more values than the limit are refused before they are read', () => {
  test('as empty messages', () => {
    expect(() => readMessage(PublishBatchSchema, repeated([(1 << 3) | 2, 0], many))).toThrow(overLimit);
  });
  test('as empty strings', () => {
    expect(() => readMessage(RegisterRequestSchema, repeated([(5 << 3) | 2, 0], many))).toThrow(overLimit);
  });
  test('as packed numbers in a message within', () => {
    const field = (schema: typeof ConsumeRequestSchema | typeof SessionRequestSchema): number =>
      schema.fields().find(({ name }) => name === 'acknowledge')?.number ?? 0;
    const positions = lengthDelimited(1, repeated([1], many - 1));
    expect(() => readMessage(ConsumeRequestSchema, lengthDelimited(field(ConsumeRequestSchema), positions))).toThrow(
      overLimit,
    );
  });
  test('as one field that is given again and again', () => {
    expect(() => readMessage(RegisterRequestSchema, repeated([1 << 3, 1], many))).toThrow(overLimit);
  });
});

test('a batch of 20,000 publishes is within the limit', () => {
  const items = Array.from({ length: 20_000 }, (_, index) => ({
    clientSequence: BigInt(index + 1),
    request: { topic: 'platform.oms.fills', payload: Uint8Array.of(1, 2, 3), payloadType: 'text' },
  }));
  const batch = create(PublishBatchSchema, { items });
  expect(readMessage(PublishBatchSchema, toBinary(PublishBatchSchema, batch))).toEqual(batch);
});
