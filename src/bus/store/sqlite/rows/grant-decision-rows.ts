import type { GrantDecision } from '../../store.ts';
import type { Statements } from './statements.ts';

/** Administrators' decisions, one row per grant. A later decision has a higher ordinal. */
export class GrantDecisionRows {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  record({ instanceId, action, pattern, verdict, by, decidedAtNs }: GrantDecision): void {
    // A new row gets the highest ordinal. Replacing the old one would not fire the trigger that counts it.
    this.#sql.run(
      'DELETE FROM grant_decision WHERE instance_id = ? AND action = ? AND pattern = ?',
      instanceId,
      action,
      pattern,
    );
    this.#sql.run(
      `INSERT INTO grant_decision (instance_id, action, pattern, verdict, decided_by, decided_at_ns)
       VALUES (?, ?, ?, ?, ?, ?)`,
      instanceId,
      action,
      pattern,
      verdict,
      by,
      decidedAtNs,
    );
  }

  all(): GrantDecision[] {
    return this.#sql.all<GrantDecision>(
      `SELECT instance_id AS instanceId, action, pattern, verdict, decided_by AS "by", decided_at_ns AS decidedAtNs
       FROM grant_decision ORDER BY ordinal`,
    );
  }
}
