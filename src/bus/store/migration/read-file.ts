import { Encoded } from '../../../contract/wire/codec/encoded.ts';
import { EnvelopeSchema } from '../../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import { readMessage } from '../../../contract/wire/read-message.ts';
import { textOfKey } from '../in-memory/deduplication.ts';
import { type MemoryTables, newTables, type TableOptions } from '../in-memory/memory-tables.ts';
import type { InstanceEpochs } from '../in-memory/ownership.ts';
import type { Pending } from '../in-memory/subscriptions.ts';
import { keySize } from '../retention.ts';
import { checked } from '../sqlite/checksum.ts';
import { withCheckedStore } from '../sqlite/file/check-store.ts';
import { StoreDamagedError } from '../sqlite/file/store-fault.ts';
import { GrantDecisionRows } from '../sqlite/rows/grant-decision-rows.ts';
import type { Statements } from '../sqlite/rows/statements.ts';

/** Waits so long for a bus that is stopping. */
const lockTimeoutMs = 2_000;

/** What a store holds that no bus has open. The file stays as it is. The clock must be a stopped one. @throws UserFacingError `bus/store/…` */
export function readStoreFile(path: string, options: TableOptions): Promise<MemoryTables> {
  return withCheckedStore({ path, lockTimeoutMs }, (sql) => tablesIn(sql, options));
}

function tablesIn(sql: Statements, options: TableOptions): MemoryTables {
  const log = sql.get<{ last: bigint; count: bigint; first: bigint | null }>(
    'SELECT last_position AS last, (SELECT count(*) FROM message) AS count, (SELECT min(position) FROM message) AS first FROM log',
  );
  if (!log) throw new StoreDamagedError('it has no log');
  const before = log.last - log.count;
  if (log.first !== null && log.first !== before + 1n) throw new StoreDamagedError('messages are missing in its log');
  const tables = newTables(options, before);
  readMessages(sql, tables);
  readEpochs(sql, tables);
  readPublishes(sql, tables);
  readKeys(sql, tables);
  readSubscriptions(sql, tables);
  readStates(sql, tables);
  for (const decision of new GrantDecisionRows(sql).all()) tables.decisions.record({ ...decision });
  return tables;
}

function readMessages(sql: Statements, { log }: MemoryTables): void {
  const rows = sql.iterate<{ position: bigint; publishedAtNs: bigint; envelope: Uint8Array; checksum: bigint | null }>(
    'SELECT position, published_at_ns AS publishedAtNs, envelope, checksum FROM message ORDER BY position',
  );
  for (const { position, publishedAtNs, envelope, checksum } of rows) {
    const bytes = checked(envelope, checksum, `the message at position ${position}`);
    // Earlier versions stored the topic in the envelope only.
    const topic = readMessage(EnvelopeSchema, bytes).meta?.topic ?? '';
    log.append({ topic, publishedAtNs: BigInt.asUintN(64, publishedAtNs), envelope: new Encoded(bytes) });
  }
}

/** Without reservations, which end with the bus that made them. */
function readEpochs(sql: Statements, { ownership }: MemoryTables): void {
  const instances = sql.all<{ instanceId: string; last: bigint }>(
    'SELECT instance_id AS instanceId, last_epoch AS last FROM instance WHERE activated = 1',
  );
  const epochs = new Map<string, InstanceEpochs>();
  for (const { instanceId, last } of instances) {
    epochs.set(instanceId, { last, activated: true, active: undefined, draining: undefined, reserved: new Map() });
  }
  const owners = sql.iterate<{ instanceId: string; phase: 'active' | 'draining'; epoch: bigint } & OwnerRow>(
    `SELECT instance_id AS instanceId, phase, epoch, started_at_ns AS startedAtNs, principal FROM epoch
     WHERE phase IN ('active', 'draining')`,
  );
  for (const { instanceId, phase, ...owner } of owners) {
    const found = epochs.get(instanceId);
    if (found) found[phase] = owner;
  }
  for (const [instanceId, each] of epochs) ownership.restore(instanceId, each);
}

interface OwnerRow {
  readonly startedAtNs: bigint;
  readonly principal: string;
}

function readPublishes(sql: Statements, { deduplication }: MemoryTables): void {
  const rows = sql.iterate<{ instanceId: string; epoch: bigint; sequence: bigint; messageId: string }>(
    `SELECT instance_id AS instanceId, epoch, sequence, message_id AS messageId FROM stored_sequence
     ORDER BY instance_id, epoch, sequence`,
  );
  for (const { instanceId, epoch, sequence, messageId } of rows) {
    deduplication.restorePublish({ instanceId, epoch }, BigInt.asUintN(64, sequence), messageId);
  }
}

function readKeys(sql: Statements, { deduplication }: MemoryTables): void {
  const rows = sql.iterate<{ instanceId: string; topic: string; key: string; messageId: string; seenMs: bigint }>(
    `SELECT instance_id AS instanceId, topic, key, message_id AS messageId, seen_ms AS seenMs FROM dedup_key
     ORDER BY seen_ms, instance_id, topic, key`,
  );
  for (const { instanceId, topic, key: dedupKey, messageId, seenMs } of rows) {
    deduplication.restoreKey({
      key: textOfKey(instanceId, topic, dedupKey),
      messageId,
      instanceId,
      bytes: keySize({ instanceId }, { topic, dedupKey, messageId }),
      seenMs: Number(seenMs),
    });
  }
}

function readSubscriptions(sql: Statements, { subscriptions }: MemoryTables): void {
  const found = sql.all<{ id: bigint; instanceId: string; name: string; pattern: string } & CursorRow>(
    `SELECT id, instance_id AS instanceId, name, pattern, scanned_to AS cursor, idle_expiry_ms AS idleExpiryMs
     FROM subscription ORDER BY instance_id, name`,
  );
  for (const { id, idleExpiryMs, ...subscription } of found) {
    const pending = sql
      .all<{ position: bigint; attempts: bigint; deliveredBy: bigint | null; member: string | null }>(
        `SELECT position, attempts, delivered_by AS deliveredBy, member FROM pending WHERE subscription_id = ?
         ORDER BY position`,
        id,
      )
      .map(({ position, attempts, deliveredBy, member }): [bigint, Pending] => [
        position,
        { attempts: Number(attempts), deliveredBy: deliveredBy ?? undefined, ...(member !== null && { member }) },
      ]);
    subscriptions.restore({
      ...subscription,
      pending: new Map(pending),
      idleExpiryMs: idleExpiryMs === null ? undefined : Number(idleExpiryMs),
    });
  }
}

interface CursorRow {
  readonly cursor: bigint;
  readonly idleExpiryMs: bigint | null;
}

function readStates(sql: Statements, { states }: MemoryTables): void {
  const rows = sql.iterate<{ instanceId: string; revision: bigint; principal: string } & StateRow>(
    'SELECT instance_id AS instanceId, revision, principal, state, checksum FROM state',
  );
  for (const { instanceId, revision, principal, state, checksum } of rows) {
    states.restore(instanceId, { state: checked(state, checksum, `the state of ${instanceId}`), revision, principal });
  }
}

interface StateRow {
  readonly state: Uint8Array;
  readonly checksum: bigint | null;
}
