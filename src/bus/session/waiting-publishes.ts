/** What the publishes of all sessions may have waiting for the store. docs/bus.md names it. */
export const allWaitingMax = {
  bytes: 32 * 1024 * 1024,
  /** At the limit, the bus still reads a session with less than this waiting, so that a small publisher does not wait for a flood. */
  ownBytes: 256 * 1024,
} as const;

/** Counts the waiting publishes of all sessions, so that many sessions together stay within a bound. */
export class WaitingPublishes {
  readonly #onChange = new Set<() => void>();
  #bytes = 0;

  get isFull(): boolean {
    return this.#bytes >= allWaitingMax.bytes;
  }

  count(bytes: number): void {
    const wasFull = this.isFull;
    this.#bytes += bytes;
    if (this.isFull !== wasFull) for (const changed of this.#onChange) changed();
  }

  /** Calls back when the limit is reached and when there is capacity again, until the returned function is called. */
  onChange(changed: () => void): () => void {
    this.#onChange.add(changed);
    return () => this.#onChange.delete(changed);
  }
}
