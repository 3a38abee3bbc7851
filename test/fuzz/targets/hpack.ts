import assert from 'node:assert/strict';
import { HeaderDecoder } from '../../../src/transport/http2/hpack/header-decoder.ts';
import { HeaderEncoder } from '../../../src/transport/http2/hpack/header-encoder.ts';
import { headerField } from '../../../src/transport/http2/hpack/header-field.ts';
import { HpackError } from '../../../src/transport/http2/hpack/hpack-error.ts';
import { hex } from '../../transport/http2/hpack/hex.ts';
import { PlainDecoder } from '../../transport/http2/hpack/plain-decoder.ts';
import { connections } from '../../transport/http2/hpack/rfc-examples.ts';
import type { FuzzTarget } from '../fuzz-target.ts';

const tableBytes = 8_192;
const listBytes = 350;
const indexings = ['table', 'literal', 'never'] as const;

/** The blocks of one connection, each after a byte with its length. */
export const target: FuzzTarget = {
  seeds: connections.map(({ examples }) =>
    Uint8Array.from(examples.flatMap(({ block }) => [hex(block).length, ...hex(block)])),
  ),
  run(input) {
    const decoder = new HeaderDecoder({ tableBytes, listBytes });
    const plain = new PlainDecoder(tableBytes);
    const encoder = new HeaderEncoder();
    const peer = new HeaderDecoder({ tableBytes: 4_096, listBytes });
    let outcome = 'none';
    for (const block of blocksIn(input)) {
      const { changes } = plain;
      const expected = plain.decode(block);
      try {
        const { fields, size, isTooLarge } = decoder.decode(block);
        assert(expected !== undefined, 'a block was read that is none');
        const sizes = expected.map(({ name, value }) => name.length + value.length + 32);
        const expectedSize = sizes.reduce((sum, each) => sum + each, 0);
        assert(size === expectedSize, `the size is ${size}, not ${expectedSize}`);
        assert(isTooLarge === expectedSize > listBytes);
        if (isTooLarge) assert(fields.length === 0);
        else assertSame(fields, expected);
        // What was read once may be remembered.
        if (plain.changes === changes) assertSame(decoder.decode(block).fields, fields);
        const sent = fields.map(({ name, value }, index) => ({
          name,
          value,
          indexing: indexings[index % 3] ?? 'table',
        }));
        assertSame(peer.decode(encoder.encode(sent)).fields, fields);
        for (const field of fields) assert(field.problem === headerField(field.name, field.value).problem);
        const problem = fields.find((each) => each.problem !== undefined)?.problem;
        outcome = isTooLarge ? 'too large' : (problem ?? `${Math.min(fields.length, 5)} fields`);
      } catch (error) {
        if (!(error instanceof HpackError)) throw error;
        assert(expected === undefined, `a block was refused: ${error.message}`);
        return error.message.replaceAll(/\d+/g, 'N');
      }
    }
    return outcome;
  },
};

interface Pair {
  readonly name: string;
  readonly value: string;
}

function assertSame(actual: readonly Pair[], expected: readonly Pair[]): void {
  const isSame =
    actual.length === expected.length &&
    actual.every(({ name, value }, index) => name === expected[index]?.name && value === expected[index]?.value);
  if (!isSame) assert.deepEqual(actual, expected);
}

function* blocksIn(input: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < input.length; ) {
    const end = at + 1 + (input[at] ?? 0);
    yield input.subarray(at + 1, end);
    at = end;
  }
}
