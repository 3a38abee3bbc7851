import { type Owner, StaleEpochError, type Start, type StoredOwner } from '../store.ts';

interface InstanceEpochs {
  last: bigint;
  active: StoredOwner | undefined;
  draining: bigint | undefined;
  readonly reserved: Map<bigint, Start>;
}

/** Which epoch of every instance owns its id, which one drains, and which are only reserved. */
export class Ownership {
  readonly #instances = new Map<string, InstanceEpochs>();
  readonly #wallTimeMs: () => bigint;

  constructor(wallTimeMs: () => bigint) {
    this.#wallTimeMs = wallTimeMs;
  }

  reserve(instanceId: string, start: Start): bigint {
    const epochs = this.#of(instanceId);
    // Counting on from the clock keeps epochs ascending when the process, and with it the memory store, starts anew.
    const epoch = [epochs.last + 1n, this.#wallTimeMs()].reduce((a, b) => (a > b ? a : b));
    epochs.last = epoch;
    epochs.reserved.set(epoch, start);
    return epoch;
  }

  ownerOf(instanceId: string): StoredOwner | undefined {
    return this.#instances.get(instanceId)?.active;
  }

  activate(owner: Owner): bigint | undefined {
    const { instanceId, epoch } = owner;
    const epochs = this.#of(instanceId);
    if (epochs.active?.epoch === epoch) return epochs.draining;
    const start = epochs.reserved.get(epoch);
    if (start === undefined || epoch < (epochs.active?.epoch ?? 0n)) throw new StaleEpochError(owner);
    epochs.reserved.delete(epoch);
    epochs.draining = epochs.active?.epoch;
    epochs.active = { epoch, ...start };
    return epochs.draining;
  }

  fence(owner: Owner): void {
    const epochs = this.#of(owner.instanceId);
    epochs.reserved.delete(owner.epoch);
    if (epochs.draining === owner.epoch) epochs.draining = undefined;
    if (epochs.active?.epoch === owner.epoch) epochs.active = undefined;
  }

  mayWrite(owner: Owner): boolean {
    const epochs = this.#instances.get(owner.instanceId);
    return epochs !== undefined && (epochs.active?.epoch === owner.epoch || epochs.draining === owner.epoch);
  }

  /** @throws StaleEpochError */
  check(owner: Owner): void {
    if (!this.mayWrite(owner)) throw new StaleEpochError(owner);
  }

  #of(instanceId: string): InstanceEpochs {
    let epochs = this.#instances.get(instanceId);
    if (!epochs) {
      epochs = { last: 0n, active: undefined, draining: undefined, reserved: new Map() };
      this.#instances.set(instanceId, epochs);
    }
    return epochs;
  }
}
