import { checkStateShare, type RetentionOptions, textBytes } from '../../retention.ts';
import { type Owner, RevisionConflictError, type StoredState } from '../../store.ts';
import { checked, checksumOf } from '../checksum.ts';
import type { Statements } from './statements.ts';

/** Every instance's state with its revision, counted from 1. */
export class StateRows {
  readonly #sql: Statements;
  readonly #retention: RetentionOptions;

  constructor(sql: Statements, retention: RetentionOptions) {
    this.#sql = sql;
    this.#retention = retention;
  }

  load(instanceId: string): StoredState | undefined {
    const row = this.#sql.get<StoredState & { readonly checksum: bigint | null }>(
      'SELECT state, revision, checksum FROM state WHERE instance_id = ?',
      instanceId,
    );
    return row && { revision: row.revision, state: checked(row.state, row.checksum, `the state of ${instanceId}`) };
  }

  /** @throws RevisionConflictError, StoreFullError */
  save(owner: Owner, change: { state: Uint8Array; expectedRevision: bigint }): bigint {
    const { instanceId } = owner;
    const { state, expectedRevision: expected } = change;
    const found = this.#find(instanceId);
    const stored = found?.revision ?? 0n;
    if (stored !== expected) throw new RevisionConflictError({ expected, stored });
    const principal = this.#principalOf(owner);
    const toCome = found ? state.length - Number(found.bytes) : textBytes(instanceId) + state.length;
    checkStateShare(this.#retention, { kept: this.#bytesOf(principal), toCome });
    const revision = stored + 1n;
    this.#sql.run(
      `INSERT INTO state (instance_id, revision, state, checksum, principal) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET revision = excluded.revision, state = excluded.state, checksum = excluded.checksum,
         principal = excluded.principal`,
      instanceId,
      revision,
      state,
      checksumOf(state),
      principal,
    );
    return revision;
  }

  /** @returns whether there was one. What triggers count for a state that is added, this counts for one that goes. */
  forget(instanceId: string): boolean {
    const found = this.#sql.get<{ readonly principal: string }>(
      'SELECT principal FROM state WHERE instance_id = ?',
      instanceId,
    );
    if (!found) return false;
    const bytes = textBytes(instanceId) + Number(this.#find(instanceId)?.bytes ?? 0n);
    this.#sql.run('DELETE FROM state WHERE instance_id = ?', instanceId);
    this.#sql.run('UPDATE log SET other_bytes = other_bytes - ?', bytes);
    this.#sql.run('UPDATE state_bytes SET bytes = bytes - ? WHERE principal = ?', bytes, found.principal);
    return true;
  }

  #find(instanceId: string): { readonly revision: bigint; readonly bytes: bigint } | undefined {
    return this.#sql.get('SELECT revision, length(state) AS bytes FROM state WHERE instance_id = ?', instanceId);
  }

  #principalOf({ instanceId, epoch }: Owner): string {
    const sql = 'SELECT principal FROM epoch WHERE instance_id = ? AND epoch = ?';
    return this.#sql.get<{ principal: string }>(sql, instanceId, epoch)?.principal ?? '';
  }

  /** The size of the states of all its instances. */
  #bytesOf(principal: string): number {
    const sql = 'SELECT bytes FROM state_bytes WHERE principal = ?';
    return Number(this.#sql.get<{ bytes: bigint }>(sql, principal)?.bytes ?? 0n);
  }
}
