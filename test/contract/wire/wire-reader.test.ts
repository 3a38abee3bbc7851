import fc from 'fast-check';
import { expect, test } from 'vitest';
import { create, toBinary } from '../../../src/contract/wire/codec/message.ts';
import { WireReader } from '../../../src/contract/wire/codec/wire-reader.ts';
import { SaveStateRequestSchema } from '../../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { HeartbeatRequestSchema, PublishRequestSchema } from '../../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { readMessage } from '../../../src/contract/wire/read-message.ts';
import { lengthDelimited } from './raw-message.ts';

const group = (depth: number): number[] => [...Array<number>(depth).fill(0x7b), ...Array<number>(depth).fill(0x7c)];

test.each([
  ['ends in a tag', [0x80], 'the message ends in the middle of a field'],
  ['ends in front of a value', [0x08], 'the message ends in the middle of a field'],
  ['ends in a length', [0x12, 0x80], 'the message ends in the middle of a field'],
  ['ends in a text', [0x12, 0x02, 0x61], 'the message ends in the middle of a field'],
  ['has a length that no memory holds', [0x12, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x61], 'the message ends in the middle'],
  ['has a varint of 11 bytes', [0x08, ...Array<number>(10).fill(0x80), 0], 'a varint is longer than 10 bytes'],
  ['has a field of number 0', [0x00, 0x01], 'a field has the number 0'],
  ['ends a group that did not begin', [0x7c], 'field 15 has the wire type 4, which begins no value'],
  ['has a wire type that does not exist', [0x7e], 'field 15 has the wire type 6, which begins no value'],
  ['has another group end than begin', [0x7b, 0x74], 'field 14 has the wire type 4, which begins no value'],
  ['has groups in groups', group(11), 'groups are nested more than 10 times'],
  ['has a group without end', [0x7b, 0x08, 0x01], 'the message ends in the middle of a field'],
  ['has a text that stops within a character', [0x12, 0x02, 0xc3, 0x28], 'a string is not UTF-8'],
  ['has half of a surrogate pair in a text', [0x12, 0x03, 0xed, 0xa0, 0x80], 'a string is not UTF-8'],
])('a message that %s is refused', (_what, bytes, message) => {
  expect(() => readMessage(HeartbeatRequestSchema, Uint8Array.from(bytes))).toThrow(message);
});

test.each([
  ['groups', group(10)],
  [
    'each wire type in a field that the contract does not have',
    [0x78, 1, 0x79, ...Array<number>(8).fill(1), 0x7a, 1, 1],
  ],
  ['another wire type than its field has', [0x0d, 1, 2, 3, 4, 0x10, 1]],
])('%s are skipped', (_what, bytes) => {
  const known = toBinary(HeartbeatRequestSchema, create(HeartbeatRequestSchema, { healthy: true, detail: 'well' }));
  const message = readMessage(HeartbeatRequestSchema, Buffer.concat([Uint8Array.from(bytes), known]));
  expect(message).toEqual(create(HeartbeatRequestSchema, { healthy: true, detail: 'well' }));
});

test('positions may be packed or not, and both in one message', () => {
  const positions = [0x10, 5, 0x12, 2, 6, 7, 0x10, 8];
  const message = readMessage(SaveStateRequestSchema, lengthDelimited(5, Uint8Array.from(positions)));
  expect(message.acknowledge).toEqual([{ name: '', group: '', positions: [5n, 6n, 7n, 8n] }]);
});

test('texts are told apart however they follow each other', () => {
  const letters = fc.constantFrom('a', 'b', 'é', '\uFFFD');
  fc.assert(
    fc.property(fc.array(fc.string({ unit: letters, maxLength: 4 })), (texts) => {
      for (const text of texts) {
        const bytes = lengthDelimited(1, Buffer.from(text));
        expect(readMessage(PublishRequestSchema, bytes).topic).toBe(text);
      }
    }),
  );
});

test('bytes that are no UTF-8 are refused also after a text whose units they are', () => {
  for (let unit = 0x80; unit <= 0xff; unit += 1) {
    readMessage(PublishRequestSchema, lengthDelimited(1, Buffer.from(String.fromCharCode(unit).repeat(3))));
    const bytes = lengthDelimited(1, new Uint8Array(3).fill(unit));
    expect(() => readMessage(PublishRequestSchema, bytes)).toThrow('a string is not UTF-8');
  }
});

test('bytes are a view of what is read', () => {
  const given = lengthDelimited(3, Uint8Array.of(1, 2, 3));
  const { payload } = readMessage(PublishRequestSchema, given);
  given[given.length - 1] = 9;
  expect(payload).toEqual(Buffer.of(1, 2, 9));
});

test('a number of more than 32 bits keeps the lower ones', () => {
  expect(new WireReader(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)).uint32()).toBe(0xffff_ffff);
});
