import { checkStateShare, type RetentionOptions, textBytes } from '../retention.ts';
import { RevisionConflictError, type StoredState } from '../store.ts';

/** A state, and whose share it takes. */
export interface State extends StoredState {
  readonly principal: string;
}

/** Every instance's state with its revision, counted from 1. */
export class States {
  readonly #retention: RetentionOptions;
  readonly #states = new Map<string, State>();
  readonly #bytesOf = new Map<string, number>();
  #bytes = 0;

  constructor(retention: RetentionOptions) {
    this.#retention = retention;
  }

  /** The size of all states. */
  get bytes(): number {
    return this.#bytes;
  }

  load(instanceId: string): StoredState | undefined {
    const found = this.#states.get(instanceId);
    return found && { state: found.state, revision: found.revision };
  }

  stateOf(instanceId: string): State | undefined {
    return this.#states.get(instanceId);
  }

  all(): Iterable<readonly [instanceId: string, state: State]> {
    return this.#states;
  }

  restore(instanceId: string, state: State): void {
    this.#states.set(instanceId, state);
    this.#count(state.principal, textBytes(instanceId) + state.state.length);
  }

  /** @throws RevisionConflictError, StoreFullError */
  save(
    { instanceId, principal }: { instanceId: string; principal: string },
    { state, expectedRevision: expected }: { state: Uint8Array; expectedRevision: bigint },
  ): bigint {
    const before = this.#states.get(instanceId);
    const stored = before?.revision ?? 0n;
    if (stored !== expected) throw new RevisionConflictError({ expected, stored });
    const was = before ? textBytes(instanceId) + before.state.length : 0;
    const bytes = textBytes(instanceId) + state.length;
    checkStateShare(this.#retention, { kept: this.#bytesOf.get(principal) ?? 0, toCome: bytes - was });
    if (before) this.#count(before.principal, -was);
    this.#count(principal, bytes);
    const revision = stored + 1n;
    this.#states.set(instanceId, { state, revision, principal });
    return revision;
  }

  /** @returns whether there was one. */
  forget(instanceId: string): boolean {
    const found = this.#states.get(instanceId);
    if (!found) return false;
    this.#states.delete(instanceId);
    this.#count(found.principal, -(textBytes(instanceId) + found.state.length));
    return true;
  }

  #count(principal: string, bytes: number): void {
    this.#bytes += bytes;
    this.#bytesOf.set(principal, (this.#bytesOf.get(principal) ?? 0) + bytes);
  }
}
