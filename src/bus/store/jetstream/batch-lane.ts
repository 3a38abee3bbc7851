/** What commands have changed and is not stored yet. */
export interface Changes {
  readonly isEmpty: boolean;
  /** Another command must wait for the next batch. */
  readonly isFull: boolean;
  /** Stores everything, all or none. Rejects only if the store can go on no more. */
  store(): Promise<void>;
}

/**
 * Runs commands one after another and stores what they changed in batches, one batch in flight. Commands that come meanwhile share the
 * next one. No command is answered, refused ones and reads included, before all that it may have seen is stored.
 */
export class BatchLane {
  readonly #changes: Changes;
  readonly #onFailure: (reason: unknown) => void;
  readonly #queue: (() => Promise<() => void>)[] = [];
  #running: Promise<void> | undefined;
  #failure: { readonly reason: unknown } | undefined;

  constructor(changes: Changes, onFailure: (reason: unknown) => void) {
    this.#changes = changes;
    this.#onFailure = onFailure;
  }

  run<T>(command: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push(async () => {
        if (this.#failure) return () => reject(this.#failure?.reason);
        // Settles later: the value is not stored yet.
        const settled = await Promise.allSettled([command()]).then(([outcome]) => outcome);
        return () => {
          if (this.#failure) reject(this.#failure.reason);
          else if (settled.status === 'fulfilled') resolve(settled.value);
          else reject(settled.reason);
        };
      });
      this.#running ??= this.#runAll();
    });
  }

  /** Resolves when everything that was asked so far is answered. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #runAll(): Promise<void> {
    // What comes in the same turn shares a batch.
    await Promise.resolve();
    while (this.#queue.length > 0) await this.#runBatch();
    this.#running = undefined;
  }

  async #runBatch(): Promise<void> {
    const answers: (() => void)[] = [];
    for (let next = this.#queue.shift(); next; next = this.#changes.isFull ? undefined : this.#queue.shift()) {
      answers.push(await next());
    }
    try {
      if (!this.#failure && !this.#changes.isEmpty) await this.#changes.store();
    } catch (reason) {
      this.#failure = { reason };
      this.#onFailure(reason);
    }
    for (const answer of answers) answer();
  }
}
