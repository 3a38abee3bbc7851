import assert from 'node:assert/strict';
import fc from 'fast-check';
import { toBinary } from '../../../src/contract/wire/codec/message.ts';
import { countFault } from '../../../src/contract/wire/field-limits/count-fault.ts';
import { lengthFault } from '../../../src/contract/wire/field-limits/length-fault.ts';
import { readMessage } from '../../../src/contract/wire/read-message.ts';
import { methodMessages } from '../../contract/wire/every-message.ts';
import { anyMessage, descriptorOf, generalCopy, generalEncoding } from '../../contract/wire/general-codec.ts';
import type { FuzzTarget } from '../fuzz-target.ts';

const kinds = methodMessages.map((type) => ({ type, desc: descriptorOf(type) }));
const seedsOfEach = 4;

/** What the reader finds wrong with bytes. Every number in it is replaced. */
const refusals = new Set([
  'a field has the number N',
  'a string is not UTF-N',
  'a varint is longer than N bytes',
  'field N has the wire type N, which begins no value',
  'groups are nested more than N times',
  'the message ends in the middle of a field',
]);

/** A byte that chooses the kind of message, and its encoding. */
export const target: FuzzTarget = {
  seeds: kinds.flatMap(({ desc }, index) =>
    fc
      .sample(anyMessage(desc), { numRuns: seedsOfEach, seed: index })
      .map((init) => Buffer.concat([Uint8Array.of(index), generalEncoding(desc, init)])),
  ),
  run(input) {
    const { type, desc } = kinds[(input[0] ?? 0) % kinds.length] ?? assert.fail();
    const bytes = input.subarray(1);
    const tooMany = countFault(type, bytes);
    let message: unknown;
    try {
      message = readMessage(type, bytes);
    } catch (error) {
      assert(error instanceof Error);
      const refusal = error.message.replaceAll(/\d+/g, 'N');
      assert(refusals.has(refusal), error);
      return `${type.typeName}: ${refusal}`;
    }
    const tooLong = lengthFault(type, message);
    const encoded = toBinary(type, message);
    const again = toBinary(type, readMessage(type, encoded));
    assert(Buffer.compare(again, encoded) === 0, 'what was written is read as something else');
    assert(Buffer.compare(generalCopy(desc, encoded), encoded) === 0, 'protobuf-es encodes it differently');
    return [type.typeName, Math.min(encoded.length >> 4, 8), tooMany?.code, tooLong?.code].join(' ');
  },
};
