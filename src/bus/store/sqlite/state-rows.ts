import { RevisionConflictError, type StoredState } from '../store.ts';
import { checked, checksumOf } from './checksum.ts';
import type { Statements } from './statements.ts';

/** Every instance's state with its revision, counted from 1. */
export class StateRows {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  load(instanceId: string): StoredState | undefined {
    const row = this.#sql.get<StoredState & { readonly checksum: bigint | null }>(
      'SELECT state, revision, checksum FROM state WHERE instance_id = ?',
      instanceId,
    );
    return row && { revision: row.revision, state: checked(row.state, row.checksum, `the state of ${instanceId}`) };
  }

  /** @throws RevisionConflictError */
  save(instanceId: string, change: { state: Uint8Array; expectedRevision: bigint }): bigint {
    const { state, expectedRevision: expected } = change;
    const stored = this.#revisionOf(instanceId);
    if (stored !== expected) throw new RevisionConflictError({ expected, stored });
    const revision = stored + 1n;
    this.#sql.run(
      `INSERT INTO state (instance_id, revision, state, checksum) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET revision = excluded.revision, state = excluded.state, checksum = excluded.checksum`,
      instanceId,
      revision,
      state,
      checksumOf(state),
    );
    return revision;
  }

  #revisionOf(instanceId: string): bigint {
    const sql = 'SELECT revision FROM state WHERE instance_id = ?';
    return this.#sql.get<Pick<StoredState, 'revision'>>(sql, instanceId)?.revision ?? 0n;
  }
}
