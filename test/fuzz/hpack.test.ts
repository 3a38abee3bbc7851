import { expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';

test('HPACK reads 400,000 inputs as the RFC says, or refuses them by name', async () => {
  const { outcomes } = await fuzz({ name: 'hpack', inputs: 400_000 });
  expect([...outcomes.keys()]).toEqual(expect.arrayContaining(['5 fields', 'too large']));
});
