import { expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';

test('a server answers 250,000 broken conversations as the RFC says, or refuses them by name, and keeps nothing of them', async () => {
  const { outcomes } = await fuzz({ name: 'http2-server', inputs: 250_000 });
  expect([...outcomes.keys()]).toEqual(
    expect.arrayContaining([
      '0,1,4,7,8',
      '1 another frame inside a header block',
      '3 the window of the connection is larger than N^N-N',
    ]),
  );
});
