import { expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';

test('a client reads 200,000 broken conversations as the RFC says, or refuses them by name, and each of its calls ends', async () => {
  const { outcomes } = await fuzz({ name: 'http2-client', inputs: 200_000 });
  expect([...outcomes.keys()]).toEqual(
    expect.arrayContaining([
      'OK,OK,OK 0,1,4,7,8,reset 8',
      'UNAVAILABLE,UNAVAILABLE,UNAVAILABLE 1 another frame inside a header block',
    ]),
  );
});
