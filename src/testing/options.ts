import { patternProblem } from '../contract/wire/topics/topic.ts';
import { type Kind, logger, text, whole } from '../plugin/arguments.ts';
import type { Log } from '../plugin/index.ts';

// The options of each call and their checks: TypeScript does not check callers that are JavaScript.

const uint32Max = 2 ** 32 - 1;
const int32Max = 2 ** 31 - 1;

/** How a platform runs. */
export interface PlatformOptions {
  /**
   * `virtual`: messages arrive at once, and time stands still until `advance`, which takes none. `real`: the machine's time, and real
   * sockets on free ports of 127.0.0.1, which plugins in other processes can use. `virtual` when absent.
   */
  readonly time?: 'virtual' | 'real';
  /** What chance does on virtual time, such as the exact delays of a reconnect; the same number does the same again. 1 when absent. */
  readonly seed?: number;
  /** Receives what the bus, the sidecars and the clients report; nothing is written when absent. */
  readonly log?: Log;
}

/** What an instance may do. */
export interface Grants {
  /** The patterns of topics that it may publish on and call; every topic when absent. */
  readonly publish?: readonly string[];
  /** The patterns that it may subscribe to and serve; every topic when absent. */
  readonly subscribe?: readonly string[];
}

/** Who a plugin is, and what it may do. */
export interface InstanceOptions {
  /** Two sidecars of one id: the newer takes over, and the older stands by. `test-0`, `test-1` and so on when absent. */
  readonly instanceId?: string;
  /** The pool that the instance is of; `SignalPool` when absent. */
  readonly poolType?: string;
  /** What it may do; everything when absent. */
  readonly grants?: Grants;
}

/** Which message to wait for. */
export interface NextOptions {
  /** The instance that published it; any when absent. */
  readonly sourceId?: string;
  /** How long to wait, in milliseconds of real time; 2,000 when absent. */
  readonly timeoutMs?: number;
}

const patterns: Kind = {
  expected: 'an array of patterns, such as ["demo.*"]',
  holds: (value) => Array.isArray(value) && value.every((each) => text.holds(each) && !patternProblem(each)),
};

export const grantKinds = { publish: patterns, subscribe: patterns } satisfies Record<keyof Grants, unknown>;

export const platformOptionKinds = {
  time: { expected: "'virtual' or 'real'", holds: (value: unknown) => value === 'virtual' || value === 'real' },
  seed: whole(0, uint32Max),
  log: logger,
} satisfies Record<keyof PlatformOptions, unknown>;

export const instanceOptionKinds = {
  instanceId: text,
  poolType: text,
  grants: { expected: 'an object with publish and subscribe', holds: (value: unknown) => typeof value === 'object' },
} satisfies Record<keyof InstanceOptions, unknown>;

export const nextOptionKinds = {
  sourceId: text,
  timeoutMs: whole(0, int32Max),
} satisfies Record<keyof NextOptions, unknown>;
