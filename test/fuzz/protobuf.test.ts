import { expect, test } from 'vitest';
import { messageTypes } from '../contract/wire/every-message.ts';
import { fuzz } from './fuzz.ts';

const inputsOfEach = 100_000;

test('every message reads 100,000 inputs as protobuf-es writes them, or refuses them by name', async () => {
  const { outcomes } = await fuzz({ name: 'protobuf', inputs: inputsOfEach * messageTypes.length });
  for (const { typeName } of messageTypes) {
    expect([...outcomes.keys()].filter((outcome) => outcome.startsWith(`${typeName}:`))).not.toEqual([]);
  }
});
