import { expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';

test('a server reads the messages of 150,000 broken bodies as a plain reader does', async () => {
  const { outcomes } = await fuzz({ name: 'grpc-messages', inputs: 150_000 });
  expect([...outcomes.keys()]).toEqual(
    expect.arrayContaining(['OK, 3 messages', 'INTERNAL, 1 messages', 'RESOURCE_EXHAUSTED, 0 messages']),
  );
});
