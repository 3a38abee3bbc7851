import type { AcknowledgedPositions, Owner, SubscriptionPosition, SubscriptionSpec } from '../store.ts';
import type { Statements } from './statements.ts';
import type { SubscriptionKey } from './store-commands.ts';

interface SubscriptionRow {
  readonly id: bigint;
  readonly pattern: string;
  readonly scannedTo: bigint;
}

/** How far every subscription has come, and what it was delivered and has not acknowledged. */
export class SubscriptionRows {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** Finds the position stored under the name and pattern, or makes it with `startAfter`. */
  open({ instanceId }: Owner, { name, pattern }: SubscriptionSpec, startAfter: () => bigint): SubscriptionPosition {
    const found = this.#find(instanceId, name);
    if (found?.pattern === pattern) return { scannedTo: found.scannedTo, pending: this.#pendingOf(found.id) };
    this.drop({ instanceId, name });
    const scannedTo = startAfter();
    this.#sql.run(
      'INSERT INTO subscription (instance_id, name, pattern, scanned_to) VALUES (?, ?, ?, ?)',
      instanceId,
      name,
      pattern,
      scannedTo,
    );
    return { scannedTo, pending: new Map() };
  }

  recordDelivery(
    { instanceId, name }: SubscriptionKey,
    { positions, scannedTo }: { positions: readonly bigint[]; scannedTo: bigint },
  ): void {
    const found = this.#find(instanceId, name);
    if (!found) return;
    for (const position of positions) {
      this.#sql.run(
        `INSERT INTO pending (subscription_id, position, attempts) VALUES (?, ?, 1)
         ON CONFLICT DO UPDATE SET attempts = attempts + 1`,
        found.id,
        position,
      );
    }
    if (scannedTo > found.scannedTo) {
      this.#sql.run('UPDATE subscription SET scanned_to = ? WHERE id = ?', scannedTo, found.id);
    }
  }

  acknowledge(instanceId: string, { name, positions }: AcknowledgedPositions): void {
    const found = this.#find(instanceId, name);
    if (!found) return;
    for (const position of positions) {
      this.#sql.run('DELETE FROM pending WHERE subscription_id = ? AND position = ?', found.id, position);
    }
  }

  keys(): SubscriptionKey[] {
    return this.#sql.all<SubscriptionKey>('SELECT instance_id AS instanceId, name FROM subscription');
  }

  /** Whether there was one. */
  drop({ instanceId, name }: SubscriptionKey): boolean {
    const found = this.#find(instanceId, name);
    if (!found) return false;
    this.#sql.run('DELETE FROM pending WHERE subscription_id = ?', found.id);
    this.#sql.run('DELETE FROM subscription WHERE id = ?', found.id);
    return true;
  }

  /** The first position that some subscription has not finished with; none when there are no subscriptions. */
  neededFrom(): bigint | undefined {
    const row = this.#sql.get<{ position: bigint | null }>(
      `SELECT min(position) AS position FROM (
         SELECT scanned_to + 1 AS position FROM subscription
         UNION ALL
         SELECT (SELECT min(position) FROM pending WHERE subscription_id = subscription.id) FROM subscription)`,
    );
    return row?.position ?? undefined;
  }

  #find(instanceId: string, name: string): SubscriptionRow | undefined {
    return this.#sql.get<SubscriptionRow>(
      'SELECT id, pattern, scanned_to AS scannedTo FROM subscription WHERE instance_id = ? AND name = ?',
      instanceId,
      name,
    );
  }

  #pendingOf(id: bigint): Map<bigint, number> {
    const rows = this.#sql.all<{ position: bigint; attempts: bigint }>(
      'SELECT position, attempts FROM pending WHERE subscription_id = ? ORDER BY position',
      id,
    );
    return new Map(rows.map(({ position, attempts }) => [position, Number(attempts)]));
  }
}
