import type { AcknowledgedPositions } from '../../../../contract/wire/acknowledged-positions.ts';
import {
  type FailedDelivery,
  type Owner,
  type StoredSubscription,
  type SubscriptionKey,
  type SubscriptionPage,
  type SubscriptionProgress,
  type SubscriptionSpec,
  TooManySubscriptionsError,
} from '../../store.ts';
import type { Statements } from './statements.ts';

interface SubscriptionRow {
  readonly id: bigint;
  readonly pattern: string;
  readonly cursor: bigint;
}

/** The cursor and the unacknowledged deliveries of every subscription. */
export class SubscriptionRows {
  readonly #sql: Statements;
  /**
   * The ids of subscriptions for which nothing is retained, as a JSON list. It is not stored: the bus sets it again after opening the
   * store.
   */
  #notKeptFor = '[]';

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** Finds the cursor stored under the name and pattern, or creates it at `startAfter`. @throws TooManySubscriptionsError */
  open(owner: Owner, spec: SubscriptionSpec, startAfter: () => bigint): SubscriptionProgress {
    const { instanceId } = owner;
    const { name, pattern } = spec;
    const idleExpiryMs = spec.idleExpiryMs ?? null;
    const found = this.#find(instanceId, name);
    if (found?.pattern === pattern) {
      this.#sql.run('UPDATE subscription SET idle_expiry_ms = ? WHERE id = ?', idleExpiryMs, found.id);
      this.#settle(found.id, owner, spec.inHand ?? []);
      return { cursor: found.cursor, pending: this.#notUnderWay(found.id) };
    }
    if (!found) this.#checkRoom(instanceId, spec);
    this.drop({ instanceId, name });
    const cursor = startAfter();
    this.#sql.run(
      'INSERT INTO subscription (instance_id, name, pattern, scanned_to, idle_expiry_ms) VALUES (?, ?, ?, ?, ?)',
      instanceId,
      name,
      pattern,
      cursor,
      idleExpiryMs,
    );
    return { cursor, pending: new Map() };
  }

  recordDelivery(
    { instanceId, epoch }: Owner,
    name: string,
    { positions, cursor }: { positions: readonly bigint[]; cursor: bigint },
  ): readonly bigint[] {
    const found = this.#find(instanceId, name);
    if (!found) return [];
    const due = positions.filter((position) => this.#countAttempt(found, position, epoch));
    if (cursor > found.cursor) {
      this.#sql.run('UPDATE subscription SET scanned_to = ? WHERE id = ?', cursor, found.id);
    }
    return due;
  }

  unacknowledged({ instanceId, name }: SubscriptionKey): number {
    const row = this.#sql.get<{ rows: bigint }>(
      `SELECT count(*) AS rows FROM pending
       WHERE subscription_id = (SELECT id FROM subscription WHERE instance_id = ? AND name = ?)`,
      instanceId,
      name,
    );
    return Number(row?.rows ?? 0n);
  }

  recordProgress(instanceId: string, names: readonly string[], cursor: bigint): void {
    this.#sql.run(
      `UPDATE subscription SET scanned_to = ?1
       WHERE instance_id = ?2 AND name IN (SELECT value FROM json_each(?3)) AND scanned_to < ?1`,
      cursor,
      instanceId,
      JSON.stringify(names),
    );
  }

  isPending({ instanceId, name }: SubscriptionKey, position: bigint): boolean {
    const found = this.#find(instanceId, name);
    const sql = 'SELECT attempts FROM pending WHERE subscription_id = ? AND position = ?';
    return found !== undefined && this.#sql.get(sql, found.id, position) !== undefined;
  }

  requeue({ instanceId, name }: SubscriptionKey, failed: readonly bigint[]): void {
    const found = this.#find(instanceId, name);
    if (!found) return;
    for (const position of failed) this.#end(found.id, position);
    this.#sql.run(
      `UPDATE pending SET attempts = attempts - 1, delivered_by = NULL
       WHERE subscription_id = ? AND delivered_by IS NOT NULL`,
      found.id,
    );
  }

  nack({ instanceId, name }: SubscriptionKey, failed: readonly FailedDelivery[]): Map<bigint, number> {
    const found = this.#find(instanceId, name);
    const again = new Map<bigint, number>();
    if (!found) return again;
    for (const { position, attempt } of failed) {
      const changes = this.#sql.run(
        'UPDATE pending SET attempts = ?, delivered_by = NULL WHERE subscription_id = ? AND position = ?',
        attempt,
        found.id,
        position,
      );
      if (changes > 0) again.set(position, attempt);
    }
    return again;
  }

  acknowledge(instanceId: string, { name, positions }: AcknowledgedPositions): void {
    const found = this.#find(instanceId, name);
    if (!found) return;
    for (const position of positions) {
      this.#sql.run('DELETE FROM pending WHERE subscription_id = ? AND position = ?', found.id, position);
    }
  }

  page({ instanceId, after, limit }: SubscriptionPage): StoredSubscription[] {
    return this.#sql
      .all<SubscriptionKey & { pattern: string; idleExpiryMs: bigint | null; unacknowledged: bigint }>(
        `SELECT instance_id AS instanceId, name, pattern, idle_expiry_ms AS idleExpiryMs,
           (SELECT count(*) FROM pending WHERE subscription_id = subscription.id) AS unacknowledged
         FROM subscription
         WHERE (?1 IS NULL OR instance_id = ?1) AND (instance_id, name) > (?2, ?3)
         ORDER BY instance_id, name LIMIT ?4`,
        instanceId ?? null,
        after?.instanceId ?? '',
        after?.name ?? '',
        // SQLite reads a negative number as no limit.
        limit ?? -1,
      )
      .map(({ idleExpiryMs, unacknowledged, ...row }) => ({
        ...row,
        idleExpiryMs: idleExpiryMs === null ? undefined : Number(idleExpiryMs),
        unacknowledged: Number(unacknowledged),
      }));
  }

  /** Whether it existed. */
  drop({ instanceId, name }: SubscriptionKey): boolean {
    const found = this.#find(instanceId, name);
    if (!found) return false;
    this.#sql.run('DELETE FROM pending WHERE subscription_id = ?', found.id);
    this.#sql.run('DELETE FROM subscription WHERE id = ?', found.id);
    return true;
  }

  /** The first position that a subscription has not finished. Undefined if there are no subscriptions. */
  neededFrom(): bigint | undefined {
    const row = this.#sql.get<{ position: bigint | null }>(
      `SELECT min(position) AS position FROM (
         SELECT scanned_to + 1 AS position FROM subscription WHERE id NOT IN (SELECT value FROM json_each(?1))
         UNION ALL
         SELECT (SELECT min(position) FROM pending WHERE subscription_id = subscription.id)
         FROM subscription WHERE id NOT IN (SELECT value FROM json_each(?1)))`,
      this.#notKeptFor,
    );
    return row?.position ?? undefined;
  }

  /** Where the backlog of each subscription begins, except of those that have finished the whole log. */
  held(lastPosition: bigint): (SubscriptionKey & { readonly from: bigint })[] {
    return this.#sql.all<SubscriptionKey & { readonly from: bigint }>(
      `SELECT * FROM (
         SELECT instance_id AS instanceId, name, min(scanned_to + 1, coalesce(
           (SELECT min(position) FROM pending WHERE subscription_id = subscription.id), scanned_to + 1)) AS "from"
         FROM subscription)
       WHERE "from" <= ?`,
      lastPosition,
    );
  }

  stopRetainingFor(keys: readonly SubscriptionKey[]): void {
    const ids = keys.flatMap(({ instanceId, name }) => this.#find(instanceId, name)?.id ?? []);
    this.#notKeptFor = `[${ids.join(',')}]`;
  }

  /** @throws TooManySubscriptionsError */
  #checkRoom(instanceId: string, { storedMax: limit }: SubscriptionSpec): void {
    if (limit === undefined) return;
    const sql = 'SELECT count(*) AS stored FROM subscription WHERE instance_id = ?';
    const stored = Number(this.#sql.get<{ stored: bigint }>(sql, instanceId)?.stored ?? 0n);
    if (stored >= limit) throw new TooManySubscriptionsError({ stored, limit });
  }

  /** False for a position that was acked since: the cursor passed it, and it is not unacknowledged. */
  #countAttempt({ id, cursor }: SubscriptionRow, position: bigint, epoch: bigint): boolean {
    const again =
      'UPDATE pending SET attempts = attempts + 1, delivered_by = ? WHERE subscription_id = ? AND position = ?';
    if (position <= cursor) return this.#sql.run(again, epoch, id, position) > 0;
    const first = 'INSERT INTO pending (subscription_id, position, attempts, delivered_by) VALUES (?, ?, 1, ?)';
    this.#sql.run(first, id, position, epoch);
    return true;
  }

  #find(instanceId: string, name: string): SubscriptionRow | undefined {
    return this.#sql.get<SubscriptionRow>(
      'SELECT id, pattern, scanned_to AS cursor FROM subscription WHERE instance_id = ? AND name = ?',
      instanceId,
      name,
    );
  }

  /** Ends the deliveries in flight, except those that the plugin still has. Each is an attempt unless this epoch delivered it. */
  #settle(id: bigint, { epoch }: Owner, inHand: readonly bigint[]): void {
    // -1 (never an epoch) marks them while the others are closed; only deliveries in flight qualify.
    for (const position of inHand) {
      this.#sql.run(
        'UPDATE pending SET delivered_by = -1 WHERE subscription_id = ? AND position = ? AND delivered_by IS NOT NULL',
        id,
        position,
      );
    }
    this.#sql.run(
      'UPDATE pending SET attempts = attempts - 1 WHERE subscription_id = ? AND delivered_by = ?',
      id,
      epoch,
    );
    this.#sql.run('UPDATE pending SET delivered_by = NULL WHERE subscription_id = ? AND delivered_by <> -1', id);
    this.#sql.run('UPDATE pending SET delivered_by = ? WHERE subscription_id = ? AND delivered_by = -1', epoch, id);
  }

  /** The delivery stays an attempt. */
  #end(id: bigint, position: bigint): void {
    this.#sql.run('UPDATE pending SET delivered_by = NULL WHERE subscription_id = ? AND position = ?', id, position);
  }

  #notUnderWay(id: bigint): Map<bigint, number> {
    const rows = this.#sql.all<{ position: bigint; attempts: bigint }>(
      'SELECT position, attempts FROM pending WHERE subscription_id = ? AND delivered_by IS NULL ORDER BY position',
      id,
    );
    return new Map(rows.map(({ position, attempts }) => [position, Number(attempts)]));
  }
}
