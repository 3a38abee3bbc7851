/** What the publishes of all sessions may have waiting for the store. docs/bus.md names it. */
export const allWaitingMax = {
  bytes: 32 * 1024 * 1024,
  /** Beyond it, a session is still read on while it has less than this waiting itself: a small publisher waits for no flood. */
  ownBytes: 256 * 1024,
} as const;

/** Counts what the publishes of all sessions have waiting for the store, so that many together take no more than a few may. */
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

  /** Calls back when it becomes full, and when it no longer is, until the returned function is called. */
  onChange(changed: () => void): () => void {
    this.#onChange.add(changed);
    return () => this.#onChange.delete(changed);
  }
}
