import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HeaderDecoder } from '../../../../src/transport/http2/hpack/header-decoder.ts';
import { HeaderEncoder, type SentField } from '../../../../src/transport/http2/hpack/header-encoder.ts';
import { HpackError } from '../../../../src/transport/http2/hpack/hpack-error.ts';
import { lines } from './lines.ts';
import { PlainDecoder } from './plain-decoder.ts';

const bytes = fc.uint8Array({ maxLength: 60 }).map((all) => Buffer.from(all).toString('latin1'));
const field: fc.Arbitrary<SentField> = fc.record({
  name: fc.oneof(fc.constantFrom(':path', 'user-agent', 'x', 'y', 'z'), bytes),
  value: fc.oneof(fc.constantFrom('', '/', '1', 'y'.repeat(200), 'y'.repeat(3_000)), bytes),
  indexing: fc.constantFrom('table', 'table', 'literal', 'never'),
});
const list = fc.array(field, { maxLength: 12 });

/** What happens on a connection: a list is sent, or the peer's setting changes. Some lists are sent again, as the same object. */
const limit = fc.constantFrom(0, 31, 64, 100, 300, 1_000, 4_096, 8_192, 70_000);
const events = fc.tuple(
  fc.array(list, { minLength: 1, maxLength: 5 }),
  fc.array(
    fc.oneof(
      { arbitrary: fc.nat(4), weight: 4 },
      list,
      limit.map((bound) => ({ bound })),
    ),
    { maxLength: 40 },
  ),
);

function asLines(fields: readonly { readonly name: string; readonly value: string }[]): string[] {
  return fields.map(({ name, value }) => `${name}: ${value}`);
}

test('what is sent is received, over many blocks, evictions and sizes of the table, by us and by a plain decoder', () => {
  fc.assert(
    fc.property(limit, events, (own, [lists, all]) => {
      const encoder = new HeaderEncoder(own);
      const decoder = new HeaderDecoder({ tableBytes: 70_000, listBytes: 1_000_000 });
      const plain = new PlainDecoder(70_000);
      for (const event of all) {
        if (typeof event === 'object' && 'bound' in event) {
          encoder.limitTable(event.bound);
          continue;
        }
        const fields = typeof event === 'number' ? (lists[event % lists.length] ?? []) : event;
        const block = encoder.encode(fields);
        expect(lines(decoder.decode(block).fields)).toEqual(asLines(fields));
        expect(asLines(plain.decode(block) ?? [])).toEqual(asLines(fields));
      }
    }),
    { numRuns: 300 },
  );
});

test('any bytes are read as a plain decoder reads them, or refused by both', () => {
  const blocks = fc.array(fc.uint8Array({ maxLength: 30 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(blocks, (all) => {
      const decoder = new HeaderDecoder({ tableBytes: 4_096, listBytes: 1_000_000 });
      const plain = new PlainDecoder(4_096);
      for (const block of all) {
        const expected = plain.decode(block);
        if (expected === undefined) {
          expect(() => decoder.decode(block)).toThrow(HpackError);
          return;
        }
        expect(lines(decoder.decode(block).fields)).toEqual(asLines(expected));
      }
    }),
    { numRuns: 2_000 },
  );
});
