import type { AcknowledgedPositions } from '../../../../contract/wire/acknowledged-positions.ts';
import type { Attempts, DeliveryRecord, FailedDelivery } from '../../deliveries.ts';
import {
  type Owner,
  type StoredSubscription,
  type SubscriptionKey,
  type SubscriptionPage,
  type SubscriptionProgress,
  type SubscriptionSpec,
  type SubscriptionWriter,
  TooManySubscriptionsError,
} from '../../store.ts';
import { keeperOf } from '../../subscription-key.ts';
import { DeliveryRows, type SubscriptionRow } from './delivery-rows.ts';
import type { Statements } from './statements.ts';

interface FoundRow extends SubscriptionRow {
  readonly pattern: string;
}

/** The cursor and the unacknowledged deliveries of every subscription. */
export class SubscriptionRows {
  readonly #sql: Statements;
  readonly #deliveries: DeliveryRows;
  /**
   * The ids of subscriptions for which nothing is retained, as a JSON list. It is not stored: the bus sets it again after opening the
   * store.
   */
  #notKeptFor = '[]';

  constructor(sql: Statements) {
    this.#sql = sql;
    this.#deliveries = new DeliveryRows(sql);
  }

  /** Finds the cursor stored under the name and pattern, or creates it at `startAfter`. @throws TooManySubscriptionsError */
  open(writer: SubscriptionWriter, spec: SubscriptionSpec, startAfter: () => bigint): SubscriptionProgress {
    const instanceId = keeperOf(writer);
    const { name, pattern } = spec;
    const idleExpiryMs = spec.idleExpiryMs ?? null;
    const found = this.#find(instanceId, name);
    if (found?.pattern === pattern) {
      this.#sql.run('UPDATE subscription SET idle_expiry_ms = ? WHERE id = ?', idleExpiryMs, found.id);
      this.#deliveries.settle(found.id, writer, spec.inHand ?? []);
      return this.#progress(found, writer);
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
    const id = this.#find(instanceId, name)?.id ?? 0n;
    return this.#progress({ id, cursor }, writer);
  }

  recordDelivery(writer: SubscriptionWriter, name: string, delivery: DeliveryRecord): readonly bigint[] {
    const { cursor } = delivery;
    const found = this.#find(keeperOf(writer), name);
    if (!found) return [];
    const due = this.#deliveries.record(found, writer, delivery);
    if (cursor > found.cursor) {
      this.#sql.run('UPDATE subscription SET scanned_to = ? WHERE id = ?', cursor, found.id);
    }
    return due;
  }

  takeFromMembers({ instanceId, name }: SubscriptionKey, members: readonly Owner[]): Attempts {
    const found = this.#find(instanceId, name);
    return found ? this.#deliveries.takeFromMembers(found.id, members) : new Map();
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
    return found !== undefined && this.#deliveries.isPending(found.id, position);
  }

  requeue(writer: SubscriptionWriter, name: string, failed: readonly bigint[]): void {
    const found = this.#find(keeperOf(writer), name);
    if (found) this.#deliveries.requeue(found.id, writer, failed);
  }

  nack(writer: SubscriptionWriter, name: string, failed: readonly FailedDelivery[]): Attempts {
    const found = this.#find(keeperOf(writer), name);
    return found ? this.#deliveries.nack(found.id, writer, failed) : new Map();
  }

  acknowledge(keeper: string, { name, positions }: AcknowledgedPositions): void {
    const found = this.#find(keeper, name);
    if (found) this.#deliveries.acknowledge(found.id, positions);
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
    this.#deliveries.dropAll(found.id);
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

  #progress({ id, cursor }: SubscriptionRow, { scope }: SubscriptionWriter): SubscriptionProgress {
    const pending = this.#deliveries.waiting(id);
    return { cursor, pending, ...(scope !== undefined && { inFlight: this.#deliveries.inFlight(id) }) };
  }

  #find(instanceId: string, name: string): FoundRow | undefined {
    return this.#sql.get<FoundRow>(
      'SELECT id, pattern, scanned_to AS cursor FROM subscription WHERE instance_id = ? AND name = ?',
      instanceId,
      name,
    );
  }
}
