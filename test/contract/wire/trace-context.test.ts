import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { traceContextOf, traceIdOf } from '../../../src/contract/wire/trace-context.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const valid = `00-${traceId}-b7ad6b7169203331-01`;

describe('a trace id', () => {
  test.each([
    ['of version 00', valid],
    ['of a later version', `cc-${traceId}-b7ad6b7169203331-01`],
    ['of a later version with more fields', `cc-${traceId}-b7ad6b7169203331-01-what-the-future-brings`],
  ])('is read from a traceparent %s', (_kind, traceparent) => {
    expect(traceIdOf(traceparent)).toBe(traceId);
  });

  test.each([
    ['that is empty', ''],
    ['in capitals', valid.toUpperCase()],
    ['of the forbidden version', `ff-${traceId}-b7ad6b7169203331-01`],
    ['with a trace id of zeros', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`],
    ['with a parent id of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['of version 00 with more fields', `${valid}-more`],
    ['with a short parent id', `00-${traceId}-b7ad6b71-01`],
    ['with something before it', ` ${valid}`],
    ['with something after its flags', `cc-${traceId}-b7ad6b7169203331-01x`],
    ['with a line end after it', `${valid}\n`],
  ])('is not read from a traceparent %s', (_kind, traceparent) => {
    expect(traceIdOf(traceparent)).toBeUndefined();
  });

  test('is read from each traceparent of version 00 by its form, and from no other', () => {
    const form = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
    const changed = fc.tuple(fc.nat(valid.length), fc.constantFrom('0', 'f', 'g', 'F', '-', '/', ':', '\u0131', ''));
    fc.assert(
      fc.property(fc.array(changed, { maxLength: 3 }), (changes) => {
        const text = changes.reduce((before, [at, to]) => before.slice(0, at) + to + before.slice(at + 1), valid);
        const id = text.startsWith('00') && form.test(text) ? text.slice(3, 35) : undefined;
        if (text.startsWith('00')) expect(traceIdOf(text)).toBe(id);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the trace of a message', () => {
  const random = seededRandom(1);

  test('is its own, untouched', () => {
    const own = { traceparent: valid, tracestate: 'vendor=opaque' };
    expect(traceContextOf(own, random)).toEqual(own);
  });

  test('restarts when the traceparent is invalid, without the tracestate', () => {
    const { traceparent, tracestate } = traceContextOf({ traceparent: 'broken', tracestate: 'vendor=opaque' }, random);
    expect(traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(tracestate).toBe('');
  });

  test('is valid for every randomness, at its extremes too', () => {
    const extremes = fc.constantFrom(0, 1 - 2 ** -53);
    const chance = fc.oneof(extremes, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }));
    fc.assert(
      fc.property(fc.infiniteStream(chance), (numbers) => {
        const next = (): number => numbers.next().value ?? 0;
        expect(traceIdOf(traceContextOf({ traceparent: '', tracestate: '' }, { next }).traceparent)).toBeDefined();
      }),
    );
  });

  test('differs from message to message', () => {
    const made = Array.from({ length: 1_000 }, () => traceContextOf({ traceparent: '', tracestate: '' }, random));
    expect(new Set(made.map(({ traceparent }) => traceparent)).size).toBe(1_000);
  });
});
