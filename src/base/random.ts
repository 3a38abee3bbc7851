/** A source of randomness. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
}

/** The machine's own randomness; not for secrets. */
export const systemRandom: Random = { next: () => Math.random() };

/** The same sequence for the same seed (mulberry32: 32 bits of state, enough for simulations). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
  };
}

/** A whole number in [0, bound). */
export function randomBelow(random: Random, bound: number): number {
  return Math.floor(random.next() * bound);
}
