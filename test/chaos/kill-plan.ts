import { type Random, randomBelow } from '../../src/base/random.ts';

export const kinds = ['plugin', 'sidecar', 'bus'] as const;
export type Kind = (typeof kinds)[number];

export interface Kill {
  readonly kind: Kind;
  /** The process to kill, and the one whose journal must grow by `afterEntries` before that. */
  readonly victim: string;
  readonly witness: string;
  readonly afterEntries: number;
  /** It comes instead as soon as the victim of the kill before prints something: while that is still starting. */
  readonly duringRestart: boolean;
}

export interface KillPlanOptions {
  readonly random: Random;
  readonly perKind: number;
  readonly victims: Readonly<Record<Kind, readonly string[]>>;
  readonly witnesses: readonly string[];
  readonly entriesMax: number;
}

/** Kills of every kind in equal number, in random order and at random progress; the same for the same seed. */
export function planKills(options: KillPlanOptions): Kill[] {
  const { random, perKind, victims, witnesses, entriesMax } = options;
  const order = kinds.flatMap((kind) => Array.from({ length: perKind }, () => kind));
  for (let last = order.length - 1; last > 0; last -= 1) {
    const chosen = randomBelow(random, last + 1);
    [order[last], order[chosen]] = [order[chosen]!, order[last]!];
  }
  return order.map((kind, index) => ({
    kind,
    victim: pick(random, victims[kind]),
    witness: pick(random, witnesses),
    afterEntries: 1 + randomBelow(random, entriesMax),
    duringRestart: index > 0 && order[index - 1] !== 'plugin' && randomBelow(random, 3) === 0,
  }));
}

function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[randomBelow(random, choices.length)]!;
}
