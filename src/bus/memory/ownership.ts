import { type Owner, StaleEpochError } from '../store.ts';

interface InstanceEpochs {
  last: bigint;
  active: bigint | undefined;
  draining: bigint | undefined;
  readonly reserved: Set<bigint>;
}

/** Which epoch of every instance owns its id, which one drains, and which are only reserved. */
export class Ownership {
  readonly #instances = new Map<string, InstanceEpochs>();
  readonly #wallTimeMs: () => bigint;

  constructor(wallTimeMs: () => bigint) {
    this.#wallTimeMs = wallTimeMs;
  }

  reserve(instanceId: string): bigint {
    const epochs = this.#of(instanceId);
    // Counting on from the clock keeps epochs ascending when the process, and with it the memory store, starts anew.
    const epoch = [epochs.last + 1n, this.#wallTimeMs()].reduce((a, b) => (a > b ? a : b));
    epochs.last = epoch;
    epochs.reserved.add(epoch);
    return epoch;
  }

  activate(owner: Owner): bigint | undefined {
    const epochs = this.#of(owner.instanceId);
    if (epochs.active === owner.epoch) return epochs.draining;
    if (!epochs.reserved.delete(owner.epoch) || owner.epoch < (epochs.active ?? 0n)) throw new StaleEpochError(owner);
    epochs.draining = epochs.active;
    epochs.active = owner.epoch;
    return epochs.draining;
  }

  fence(owner: Owner): void {
    const epochs = this.#of(owner.instanceId);
    epochs.reserved.delete(owner.epoch);
    if (epochs.draining === owner.epoch) epochs.draining = undefined;
    if (epochs.active === owner.epoch) epochs.active = undefined;
  }

  mayWrite(owner: Owner): boolean {
    const epochs = this.#instances.get(owner.instanceId);
    return epochs !== undefined && (epochs.active === owner.epoch || epochs.draining === owner.epoch);
  }

  /** @throws StaleEpochError */
  check(owner: Owner): void {
    if (!this.mayWrite(owner)) throw new StaleEpochError(owner);
  }

  #of(instanceId: string): InstanceEpochs {
    let epochs = this.#instances.get(instanceId);
    if (!epochs) {
      epochs = { last: 0n, active: undefined, draining: undefined, reserved: new Set() };
      this.#instances.set(instanceId, epochs);
    }
    return epochs;
  }
}
