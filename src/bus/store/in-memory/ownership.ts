import { rowBytes, textBytes } from '../retention.ts';
import { type Owner, StaleEpochError, type Start, type StoredOwner } from '../store.ts';

/** What is known of one instance's epochs. */
export interface InstanceEpochs {
  last: bigint;
  /** An epoch owned the instance id at some time. */
  activated: boolean;
  active: StoredOwner | undefined;
  draining: StoredOwner | undefined;
  readonly reserved: Map<bigint, Start>;
}

/** Each instance's owning epoch, draining epoch and reserved epochs. */
export class Ownership {
  readonly #instances = new Map<string, InstanceEpochs>();
  readonly #wallTimeMs: () => bigint;
  #bytes = 0;

  constructor(wallTimeMs: () => bigint) {
    this.#wallTimeMs = wallTimeMs;
  }

  /** The size of all owners. */
  get bytes(): number {
    return this.#bytes;
  }

  epochsOf(instanceId: string): InstanceEpochs | undefined {
    return this.#instances.get(instanceId);
  }

  /** Of every instance. */
  all(): Iterable<readonly [instanceId: string, epochs: InstanceEpochs]> {
    return this.#instances;
  }

  restore(instanceId: string, epochs: InstanceEpochs): void {
    this.#instances.set(instanceId, epochs);
    this.#bytes += textBytes(instanceId) + rowBytes.instance;
    for (const start of [epochs.active, epochs.draining, ...epochs.reserved.values()]) {
      if (start) this.#bytes += epochSize(instanceId, start);
    }
  }

  /** After a restart of the bus only an owner resumes its epoch; every other sidecar reserves again. */
  forgetReservations(): void {
    for (const [instanceId, { reserved }] of [...this.#instances]) {
      for (const epoch of [...reserved.keys()]) this.fence({ instanceId, epoch });
    }
  }

  reserve(instanceId: string, start: Start): bigint {
    const epochs = this.#of(instanceId);
    // Starting from the clock keeps epochs ascending after a restart of the process, which empties this store.
    const epoch = [epochs.last + 1n, this.#wallTimeMs()].reduce((a, b) => (a > b ? a : b));
    epochs.last = epoch;
    epochs.reserved.set(epoch, start);
    this.#bytes += epochSize(instanceId, start);
    return epoch;
  }

  ownerOf(instanceId: string): StoredOwner | undefined {
    return this.#instances.get(instanceId)?.active;
  }

  activate(owner: Owner): bigint | undefined {
    const { instanceId, epoch } = owner;
    const epochs = this.#of(instanceId);
    if (epochs.active?.epoch === epoch) return epochs.draining?.epoch;
    const start = epochs.reserved.get(epoch);
    if (start === undefined || epoch < (epochs.active?.epoch ?? 0n)) throw new StaleEpochError(owner);
    epochs.reserved.delete(epoch);
    this.#ended(instanceId, epochs.draining);
    epochs.draining = epochs.active;
    epochs.active = { epoch, ...start };
    epochs.activated = true;
    // Earlier reservations can never be activated any more.
    for (const [earlier, reserved] of epochs.reserved) {
      if (earlier >= epoch) continue;
      epochs.reserved.delete(earlier);
      this.#ended(instanceId, reserved);
    }
    return epochs.draining?.epoch;
  }

  fence({ instanceId, epoch }: Owner): void {
    const epochs = this.#instances.get(instanceId);
    if (!epochs) return;
    this.#ended(instanceId, epochs.reserved.get(epoch));
    epochs.reserved.delete(epoch);
    for (const phase of ['draining', 'active'] as const) {
      if (epochs[phase]?.epoch !== epoch) continue;
      this.#ended(instanceId, epochs[phase]);
      epochs[phase] = undefined;
    }
    if (epochs.activated || epochs.reserved.size > 0) return;
    this.#instances.delete(instanceId);
    this.#bytes -= textBytes(instanceId) + rowBytes.instance;
  }

  /** The principal that registered an epoch which may write. */
  principalOf({ instanceId, epoch }: Owner): string {
    const { active, draining } = this.#instances.get(instanceId) ?? {};
    return [active, draining].find((each) => each?.epoch === epoch)?.principal ?? '';
  }

  mayWrite(owner: Owner): boolean {
    const epochs = this.#instances.get(owner.instanceId);
    return epochs !== undefined && (epochs.active?.epoch === owner.epoch || epochs.draining?.epoch === owner.epoch);
  }

  /** @throws StaleEpochError */
  check(owner: Owner): void {
    if (!this.mayWrite(owner)) throw new StaleEpochError(owner);
  }

  #of(instanceId: string): InstanceEpochs {
    let epochs = this.#instances.get(instanceId);
    if (!epochs) {
      epochs = { last: 0n, activated: false, active: undefined, draining: undefined, reserved: new Map() };
      this.#instances.set(instanceId, epochs);
      this.#bytes += textBytes(instanceId) + rowBytes.instance;
    }
    return epochs;
  }

  #ended(instanceId: string, start: Start | undefined): void {
    if (start) this.#bytes -= epochSize(instanceId, start);
  }
}

function epochSize(instanceId: string, { principal }: Start): number {
  return textBytes(instanceId, principal) + rowBytes.epoch;
}
