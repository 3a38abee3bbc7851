import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AllowedTopics } from '../../../../src/contract/wire/topics/allowed-topics.ts';
import { type Grant, isAllowed } from '../../../../src/contract/wire/topics/grants.ts';

const grants: readonly Grant[] = [
  { action: 'publish', pattern: 'orders.*' },
  { action: 'subscribe', pattern: 'prices.*' },
];

test('what is remembered is what the grants say, whatever they were before', () => {
  const pattern = fc.constantFrom('a', 'a.*', 'a.**', '*.b', 'b.c', '**');
  const action = fc.constantFrom('publish', 'subscribe');
  const lists = fc.array(fc.array(fc.record({ action, pattern })), { minLength: 1, maxLength: 3 });
  const topic = fc.constantFrom('a', 'a.b', 'a.b.c', 'b', 'b.c', 'a.*', '', 'a..b');
  fc.assert(
    fc.property(lists, fc.array(fc.record({ list: fc.nat(2), topic })), (every, asked) => {
      const topics = new AllowedTopics('publish');
      for (const { list, topic: name } of asked) {
        const given = every[list % every.length] ?? [];
        expect(topics.isAllowed(given, name)).toBe(isAllowed(given, 'publish', name));
      }
    }),
  );
});

test('a topic whose grant is taken back is no longer allowed', () => {
  const topics = new AllowedTopics('publish');
  expect(topics.isAllowed(grants, 'orders.new')).toBe(true);
  expect(topics.isAllowed([], 'orders.new')).toBe(false);
  expect(topics.isAllowed(grants, 'orders.new')).toBe(true);
});

test('more topics than are remembered keep their answers', () => {
  const topics = new AllowedTopics('publish');
  const names = Array.from({ length: 1_000 }, (_none, index) =>
    index % 3 === 0 ? `prices.${index}` : `orders.${index}`,
  );
  const answers = (): boolean[] => names.map((name) => topics.isAllowed(grants, name));
  expect(answers()).toEqual(names.map((name) => name.startsWith('orders.')));
  expect(answers()).toEqual(names.map((name) => name.startsWith('orders.')));
});
