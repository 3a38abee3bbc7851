import { RevisionConflictError, type StoredState } from '../store.ts';
import type { Statements } from './statements.ts';

/** Every instance's state with its revision, counted from 1. */
export class StateRows {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  load(instanceId: string): StoredState | undefined {
    return this.#sql.get<StoredState>('SELECT state, revision FROM state WHERE instance_id = ?', instanceId);
  }

  /** @throws RevisionConflictError */
  save(instanceId: string, change: { state: Uint8Array; expectedRevision: bigint }): bigint {
    const { state, expectedRevision: expected } = change;
    const stored = this.load(instanceId)?.revision ?? 0n;
    if (stored !== expected) throw new RevisionConflictError({ expected, stored });
    const revision = stored + 1n;
    this.#sql.run(
      `INSERT INTO state (instance_id, revision, state) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET revision = excluded.revision, state = excluded.state`,
      instanceId,
      revision,
      state,
    );
    return revision;
  }
}
