import fc from 'fast-check';
import { expect, test } from 'vitest';
import { limits } from '../../../src/contract/wire/limits.ts';
import { GatheredRequests } from '../../../src/sidecar/plugin-port/gathered-requests.ts';

function gathered() {
  const passedOn: (readonly bigint[] | 'credit')[] = [];
  const requests = new GatheredRequests({
    acknowledge: (positions) => passedOn.push(positions),
    passCreditOn: () => passedOn.push('credit'),
  });
  return { requests, passedOn };
}

test('what comes in one turn is passed on as one ack, then the credit', async () => {
  const { requests, passedOn } = gathered();
  for (const position of [1n, 2n, 3n]) {
    requests.acknowledge([position]);
    requests.credit();
  }
  expect(passedOn).toEqual([]);
  await Promise.resolve();
  expect(passedOn).toEqual([[1n, 2n, 3n], 'credit']);
  requests.acknowledge([4n]);
  await Promise.resolve();
  expect(passedOn.slice(2)).toEqual([[4n], 'credit']);
});

test('acks that are passed on at once are not passed on again', async () => {
  const { requests, passedOn } = gathered();
  requests.acknowledge([1n]);
  requests.passAcksOn();
  requests.passAcksOn();
  expect(passedOn).toEqual([[1n]]);
  await Promise.resolve();
  expect(passedOn).toEqual([[1n], 'credit']);
});

test('all acks are passed on in their order, none with more positions than a message may have', () => {
  const size = fc.integer({ min: 0, max: limits.positions });
  fc.assert(
    fc.property(fc.array(size, { maxLength: 5 }), (sizes) => {
      const { requests, passedOn } = gathered();
      let last = 0;
      for (const count of sizes) {
        const first = last + 1;
        last += count;
        requests.acknowledge(Array.from({ length: count }, (_none, index) => BigInt(first + index)));
      }
      requests.passAcksOn();
      const acks = passedOn.filter((each) => each !== 'credit');
      expect(acks.flat()).toEqual(Array.from({ length: last }, (_none, index) => BigInt(index + 1)));
      expect(Math.max(0, ...acks.map(({ length }) => length))).toBeLessThanOrEqual(limits.positions);
    }),
    { numRuns: 20 },
  );
});
