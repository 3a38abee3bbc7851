/** Code that reads what anyone may send. A module exports one as `target`, and a process of its own runs it. */
export interface FuzzTarget {
  /** Correct inputs to start from, beside those of the corpus. */
  readonly seeds: readonly Uint8Array[];
  /**
   * Tries one input, always from the same state, and says in a few words what came of it: what has an outcome that is new is mutated further.
   * What code refuses by name is an outcome too; any other error is a failure.
   */
  readonly run: (input: Uint8Array) => string | Promise<string>;
}
