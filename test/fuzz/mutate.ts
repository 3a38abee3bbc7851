import { type Random, randomBelow } from '../../src/base/random.ts';

/** Integers at the borders of what protocols store in so many bytes. */
const borders: readonly (readonly number[])[] = [
  [0x00],
  [0x01],
  [0x7f],
  [0x80],
  [0xff],
  [0x00, 0x00],
  [0x3f, 0xff],
  [0x40, 0x00],
  [0x7f, 0xff],
  [0xff, 0xff],
  [0x00, 0x40, 0x00],
  [0x00, 0x40, 0x01],
  [0xff, 0xff, 0xff],
  [0x00, 0x00, 0x00, 0x00],
  [0x7f, 0xff, 0xff, 0xff],
  [0x80, 0x00, 0x00, 0x00],
  [0xff, 0xff, 0xff, 0xff],
  // Integers of seven bits a byte.
  [0xff, 0x80, 0x80, 0x80, 0x80, 0x00],
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
];

type Mutation = (input: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const mutations: readonly Mutation[] = [
  function flipBit(input, random) {
    const at = randomBelow(random, input.length);
    return replaced(input, at, at + 1, [(input[at] ?? 0) ^ (1 << randomBelow(random, 8))]);
  },
  function setByte(input, random) {
    const at = randomBelow(random, input.length);
    return replaced(input, at, at + 1, [randomBelow(random, 256)]);
  },
  function addToByte(input, random) {
    const at = randomBelow(random, input.length);
    return replaced(input, at, at + 1, [(input[at] ?? 0) + randomBelow(random, 33) - 16]);
  },
  function insert(input, random) {
    const at = randomBelow(random, input.length + 1);
    const bytes = Array.from({ length: 1 + randomBelow(random, 8) }, () => randomBelow(random, 256));
    return replaced(input, at, at, bytes);
  },
  function remove(input, random) {
    const at = randomBelow(random, input.length);
    return replaced(input, at, at + 1 + randomBelow(random, 16), []);
  },
  function truncate(input, random) {
    return input.slice(0, randomBelow(random, input.length));
  },
  function duplicate(input, random) {
    const [start, end] = range(input, random);
    const at = randomBelow(random, input.length + 1);
    return replaced(input, at, at, input.subarray(start, end));
  },
  function splice(input, random, other) {
    const [start, end] = range(other, random);
    const at = randomBelow(random, input.length + 1);
    return replaced(input, at, at + randomBelow(random, 2) * (end - start), other.subarray(start, end));
  },
  function setBorder(input, random) {
    const bytes = borders[randomBelow(random, borders.length)] ?? [];
    const at = randomBelow(random, input.length);
    return replaced(input, at, at + bytes.length, bytes);
  },
  function insertBorder(input, random) {
    const at = randomBelow(random, input.length + 1);
    return replaced(input, at, at, borders[randomBelow(random, borders.length)] ?? []);
  },
];

/** A copy with some changes, some of them taken from the other input, of at most so many bytes. */
export function mutate(input: Uint8Array, other: Uint8Array, random: Random, maxBytes: number): Uint8Array {
  let mutated = input;
  for (let left = 1 + randomBelow(random, 6); left > 0; left--) {
    const mutation = mutations[randomBelow(random, mutations.length)];
    // There is nothing to change in an empty input but that something is there.
    if (mutated.length === 0) mutated = Uint8Array.of(randomBelow(random, 256));
    else if (mutation !== undefined) mutated = mutation(mutated, random, other);
  }
  return mutated.slice(0, maxBytes);
}

function replaced(input: Uint8Array, start: number, end: number, bytes: ArrayLike<number>): Uint8Array {
  const rest = input.subarray(Math.min(end, input.length));
  const copy = new Uint8Array(start + bytes.length + rest.length);
  copy.set(input.subarray(0, start));
  copy.set(bytes, start);
  copy.set(rest, start + bytes.length);
  return copy;
}

function range(bytes: Uint8Array, random: Random): [start: number, end: number] {
  const start = randomBelow(random, bytes.length + 1);
  return [start, start + randomBelow(random, bytes.length + 1 - start)];
}
