import { type Owner, StaleEpochError, type Start, type StoredOwner } from '../../store.ts';
import type { Statements } from './statements.ts';

type Phase = 'reserved' | 'active' | 'draining';

/** Each instance's owning epoch, draining epoch and reserved epochs. */
export class OwnershipRows {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  reserve(instanceId: string, { startedAtNs, principal }: Start, wallTimeMs: bigint): bigint {
    // Starting from the clock keeps epochs ascending after the file was deleted and created again.
    const row = this.#sql.get<{ epoch: bigint }>(
      `INSERT INTO instance (instance_id, last_epoch, activated) VALUES (?, ?, 0)
       ON CONFLICT DO UPDATE SET last_epoch = max(last_epoch + 1, excluded.last_epoch)
       RETURNING last_epoch AS epoch`,
      instanceId,
      wallTimeMs,
    );
    if (!row) throw new Error(`no epoch was given out for ${instanceId}`);
    this.#sql.run(
      "INSERT INTO epoch (instance_id, epoch, started_at_ns, principal, phase) VALUES (?, ?, ?, ?, 'reserved')",
      instanceId,
      row.epoch,
      startedAtNs,
      principal,
    );
    return row.epoch;
  }

  /** After a restart of the bus only an owner resumes its epoch; every other sidecar reserves again. */
  forgetReservations(): void {
    this.#sql.run("DELETE FROM epoch WHERE phase = 'reserved'");
    this.#sql.run(
      'DELETE FROM instance WHERE activated = 0 AND NOT EXISTS (SELECT 1 FROM epoch WHERE instance_id = instance.instance_id)',
    );
  }

  ownerOf(instanceId: string): StoredOwner | undefined {
    return this.#sql.get<StoredOwner>(
      "SELECT epoch, started_at_ns AS startedAtNs, principal FROM epoch WHERE instance_id = ? AND phase = 'active'",
      instanceId,
    );
  }

  /** @throws StaleEpochError */
  activate(owner: Owner): bigint | undefined {
    const { instanceId, epoch } = owner;
    const active = this.#epochIn(instanceId, 'active');
    if (active === epoch) return this.#epochIn(instanceId, 'draining');
    if (this.#phaseOf(owner) !== 'reserved' || epoch < (active ?? 0n)) throw new StaleEpochError(owner);
    this.#sql.run("DELETE FROM epoch WHERE instance_id = ? AND phase = 'draining'", instanceId);
    this.#sql.run("UPDATE epoch SET phase = 'draining' WHERE instance_id = ? AND phase = 'active'", instanceId);
    this.#sql.run("UPDATE epoch SET phase = 'active' WHERE instance_id = ? AND epoch = ?", instanceId, epoch);
    this.#sql.run('UPDATE instance SET activated = 1 WHERE instance_id = ?', instanceId);
    // Earlier reservations can never be activated any more.
    this.#sql.run("DELETE FROM epoch WHERE instance_id = ? AND phase = 'reserved' AND epoch < ?", instanceId, epoch);
    return active;
  }

  fence({ instanceId, epoch }: Owner): void {
    this.#sql.run('DELETE FROM epoch WHERE instance_id = ? AND epoch = ?', instanceId, epoch);
    this.#sql.run(
      `DELETE FROM instance WHERE instance_id = ?1 AND activated = 0
       AND NOT EXISTS (SELECT 1 FROM epoch WHERE instance_id = ?1)`,
      instanceId,
    );
  }

  mayWrite(owner: Owner): boolean {
    const phase = this.#phaseOf(owner);
    return phase === 'active' || phase === 'draining';
  }

  /** @throws StaleEpochError */
  check(owner: Owner): void {
    if (!this.mayWrite(owner)) throw new StaleEpochError(owner);
  }

  #phaseOf({ instanceId, epoch }: Owner): Phase | undefined {
    return this.#sql.get<{ phase: Phase }>(
      'SELECT phase FROM epoch WHERE instance_id = ? AND epoch = ?',
      instanceId,
      epoch,
    )?.phase;
  }

  #epochIn(instanceId: string, phase: Phase): bigint | undefined {
    return this.#sql.get<{ epoch: bigint }>(
      'SELECT epoch FROM epoch WHERE instance_id = ? AND phase = ?',
      instanceId,
      phase,
    )?.epoch;
  }
}
