import { expect, test } from 'vitest';
import { methodMessages } from '../contract/wire/every-message.ts';
import { fuzz } from './fuzz.ts';

const inputsOfEach = 100_000;
/** There are some forty messages, so on a busy machine it takes longer than other tests may. */
const timeoutMs = 3_600_000;

test(
  'every message of a method reads 100,000 inputs as protobuf-es writes them, or refuses them by name',
  async () => {
    const { outcomes } = await fuzz({ name: 'protobuf', inputs: inputsOfEach * methodMessages.length });
    for (const { typeName } of methodMessages) {
      expect([...outcomes.keys()].filter((outcome) => outcome.startsWith(`${typeName}:`))).not.toEqual([]);
    }
  },
  timeoutMs,
);
