import { Gate } from '../../src/base/async/gate.ts';
import { MemoryStore } from '../../src/bus/store/in-memory/memory-store.ts';
import type { Appended, NewMessage, Owner } from '../../src/bus/store/store.ts';

/** A store that can be held, as by a slow disk, and tells which calls it got; it does them in their order. */
export class HeldStore extends MemoryStore {
  /** The sequences of every call of `append`, by whose they are. */
  readonly appends: { readonly instanceId: string; readonly sequences: readonly bigint[] }[] = [];
  readonly #gate = new Gate(true);
  #last: Promise<unknown> = Promise.resolve();

  hold(): void {
    this.#gate.set(false);
  }

  release(): void {
    this.#gate.set(true);
  }

  override append(owner: Owner, messages: readonly NewMessage[]): Promise<readonly Appended[]> {
    this.appends.push({ instanceId: owner.instanceId, sequences: messages.map(({ sequence }) => sequence) });
    return this.#inTurn(() => super.append(owner, messages));
  }

  override acknowledge(owner: Owner, name: string, positions: readonly bigint[]): Promise<void> {
    return this.#inTurn(() => super.acknowledge(owner, name, positions));
  }

  #inTurn<T>(call: () => Promise<T>): Promise<T> {
    const done = this.#last.then(() => this.#gate.opened()).then(call);
    this.#last = done.catch(() => {});
    return done;
  }
}
