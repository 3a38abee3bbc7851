import type { Attempts, DeliveryRecord, DeliveryTo, FailedDelivery } from '../../deliveries.ts';
import type { Owner, SubscriptionWriter } from '../../store.ts';
import type { Statements } from './statements.ts';

/** The row of a subscription. */
export interface SubscriptionRow {
  readonly id: bigint;
  readonly cursor: bigint;
}

/** Of a group, a member's own deliveries. */
const isWith = 'member IS ?';

/** The unacknowledged deliveries of every subscription. */
export class DeliveryRows {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** The positions that were not acked since. */
  record(
    { id, cursor }: SubscriptionRow,
    writer: SubscriptionWriter,
    { positions, to }: DeliveryRecord,
  ): readonly bigint[] {
    return positions.filter((position, index) => {
      const receiver = to ? to[index] : writer;
      const member = (to && receiver?.instanceId) ?? null;
      const values = [receiver ? 1 : 0, receiver?.epoch ?? null, member, id, position];
      if (position <= cursor) {
        // Without a row it was acked: the cursor passed it, and it is not unacknowledged.
        const sql = `UPDATE pending SET attempts = attempts + ?, delivered_by = ?, member = ?
          WHERE subscription_id = ? AND position = ?`;
        return this.#sql.run(sql, ...values) > 0;
      }
      this.#sql.run(
        'INSERT INTO pending (attempts, delivered_by, member, subscription_id, position) VALUES (?, ?, ?, ?, ?)',
        ...values,
      );
      return true;
    });
  }

  /** Ends the deliveries in flight, except those that the plugin still has. Each is an attempt unless this epoch delivered it. */
  settle(id: bigint, writer: SubscriptionWriter, inHand: readonly bigint[]): void {
    const { epoch } = writer;
    const member = memberOf(writer);
    // -1 (never an epoch) marks them while the others are closed; only deliveries in flight qualify.
    for (const position of inHand) {
      this.#sql.run(
        `UPDATE pending SET delivered_by = -1
         WHERE subscription_id = ? AND position = ? AND delivered_by IS NOT NULL AND ${isWith}`,
        ...[id, position, member],
      );
    }
    const ofWriter = `subscription_id = ? AND ${isWith}`;
    const again = `UPDATE pending SET attempts = attempts - 1 WHERE ${ofWriter} AND delivered_by = ?`;
    this.#sql.run(again, id, member, epoch);
    this.#sql.run(`UPDATE pending SET delivered_by = NULL WHERE ${ofWriter} AND delivered_by <> -1`, id, member);
    this.#sql.run('UPDATE pending SET delivered_by = ? WHERE subscription_id = ? AND delivered_by = -1', epoch, id);
  }

  requeue(id: bigint, writer: SubscriptionWriter, failed: readonly bigint[]): void {
    const member = memberOf(writer);
    for (const position of failed) {
      // The delivery stays an attempt.
      this.#sql.run(
        `UPDATE pending SET delivered_by = NULL WHERE subscription_id = ? AND position = ? AND ${isWith}`,
        ...[id, position, member],
      );
    }
    this.#sql.run(
      `UPDATE pending SET attempts = attempts - 1, delivered_by = NULL
       WHERE subscription_id = ? AND delivered_by IS NOT NULL AND ${isWith}`,
      ...[id, member],
    );
  }

  nack(id: bigint, writer: SubscriptionWriter, failed: readonly FailedDelivery[]): Attempts {
    const sql = `UPDATE pending SET attempts = ?, delivered_by = NULL
      WHERE subscription_id = ? AND position = ? AND ${isWith}`;
    const nacked = failed.filter(
      ({ position, attempt }) => this.#sql.run(sql, attempt, id, position, memberOf(writer)) > 0,
    );
    return new Map(nacked.map(({ position, attempt }) => [position, attempt]));
  }

  takeFromMembers(id: bigint, members: readonly Owner[]): Attempts {
    const taken = members.flatMap(({ instanceId, epoch }) =>
      this.#sql.all<AttemptsRow>(
        `UPDATE pending SET delivered_by = NULL WHERE subscription_id = ? AND member = ? AND delivered_by = ?
         RETURNING position, attempts`,
        ...[id, instanceId, epoch],
      ),
    );
    return attemptsIn(taken);
  }

  acknowledge(id: bigint, positions: readonly bigint[]): void {
    for (const position of positions) {
      this.#sql.run('DELETE FROM pending WHERE subscription_id = ? AND position = ?', id, position);
    }
  }

  isPending(id: bigint, position: bigint): boolean {
    const sql = 'SELECT attempts FROM pending WHERE subscription_id = ? AND position = ?';
    return this.#sql.get(sql, id, position) !== undefined;
  }

  dropAll(id: bigint): void {
    this.#sql.run('DELETE FROM pending WHERE subscription_id = ?', id);
  }

  /** What is not in flight, by position. */
  waiting(id: bigint): Attempts {
    const rows = this.#sql.all<AttemptsRow>(
      'SELECT position, attempts FROM pending WHERE subscription_id = ? AND delivered_by IS NULL ORDER BY position',
      id,
    );
    return attemptsIn(rows);
  }

  /** What is in flight to the members of a group, by position. */
  inFlight(id: bigint): ReadonlyMap<bigint, DeliveryTo> {
    const rows = this.#sql.all<AttemptsRow & Owner>(
      `SELECT position, attempts, member AS instanceId, delivered_by AS epoch FROM pending
       WHERE subscription_id = ? AND delivered_by IS NOT NULL ORDER BY position`,
      id,
    );
    return new Map(rows.map(({ position, attempts, ...owner }) => [position, { owner, attempt: Number(attempts) }]));
  }
}

interface AttemptsRow {
  readonly position: bigint;
  readonly attempts: bigint;
}

function attemptsIn(rows: readonly AttemptsRow[]): Attempts {
  return new Map(rows.map(({ position, attempts }) => [position, Number(attempts)]));
}

/** Only the deliveries of a group have a member. */
function memberOf({ instanceId, scope }: SubscriptionWriter): string | null {
  return scope === undefined ? null : instanceId;
}
