import { renameSync } from 'node:fs';
import { partsOfKey } from '../in-memory/deduplication.ts';
import type { MemoryTables } from '../in-memory/memory-tables.ts';
import { checksumOf } from '../sqlite/checksum.ts';
import { storeFault } from '../sqlite/file/store-fault.ts';
import { closeStoreFile, openStoreFile, removeStoreFile } from '../sqlite/file/store-file.ts';
import { GrantDecisionRows } from '../sqlite/rows/grant-decision-rows.ts';
import { Statements } from '../sqlite/rows/statements.ts';
import { messagesOf } from './table-digest.ts';

/** Writes the tables to a new file, which gets its name when it is complete. Their clock must be a stopped one. @throws UserFacingError */
export function writeStoreFile(path: string, tables: MemoryTables, onProgress: (share: number) => void): void {
  const partial = `${path}.partial`;
  removeStoreFile(partial);
  const database = openStoreFile({ path: partial, lockTimeoutMs: 0, firstPosition: tables.log.firstPosition - 1n });
  try {
    database.exec('BEGIN IMMEDIATE');
    writeTables(new Statements(database), tables, onProgress);
    database.exec('COMMIT');
    closeStoreFile(database);
    renameSync(partial, path);
  } catch (error) {
    if (database.isOpen) database.close();
    throw storeFault(path, error, false);
  }
}

function writeTables(sql: Statements, tables: MemoryTables, onProgress: (share: number) => void): void {
  writeMessages(sql, tables, onProgress);
  writeEpochs(sql, tables);
  writePublishes(sql, tables);
  writeSubscriptions(sql, tables);
  for (const [instanceId, { state, revision, principal }] of tables.states.all()) {
    sql.run(
      'INSERT INTO state (instance_id, revision, state, checksum, principal) VALUES (?, ?, ?, ?, ?)',
      ...[instanceId, revision, state, checksumOf(state), principal],
    );
  }
  const decisions = new GrantDecisionRows(sql);
  for (const decision of tables.decisions.all()) decisions.record(decision);
}

function writeMessages(sql: Statements, tables: MemoryTables, onProgress: (share: number) => void): void {
  const messages = messagesOf(tables);
  let bytes = 0;
  for (const [index, { position, topic, publishedAtNs, envelope }] of messages.entries()) {
    sql.run(
      'INSERT INTO message (position, published_at_ns, envelope, checksum, topic) VALUES (?, ?, ?, ?, ?)',
      ...[position, publishedAtNs, envelope.bytes, checksumOf(envelope.bytes), topic],
    );
    bytes += envelope.bytes.length;
    if (index % 1_000 === 0) onProgress(index / messages.length);
  }
  sql.run('UPDATE log SET last_position = ?, bytes = ?', tables.log.lastPosition, bytes);
}

function writeEpochs(sql: Statements, { ownership }: MemoryTables): void {
  for (const [instanceId, { last, activated, active, draining }] of ownership.all()) {
    const values = [instanceId, last, activated ? 1 : 0];
    sql.run('INSERT INTO instance (instance_id, last_epoch, activated) VALUES (?, ?, ?)', ...values);
    for (const [phase, owner] of Object.entries({ active, draining })) {
      if (!owner) continue;
      sql.run(
        'INSERT INTO epoch (instance_id, epoch, started_at_ns, principal, phase) VALUES (?, ?, ?, ?, ?)',
        ...[instanceId, owner.epoch, owner.startedAtNs, owner.principal, phase],
      );
    }
  }
}

function writePublishes(sql: Statements, { deduplication }: MemoryTables): void {
  for (const { owner, sequence, messageId } of deduplication.publishes()) {
    sql.run(
      'INSERT INTO stored_sequence (instance_id, epoch, sequence, message_id) VALUES (?, ?, ?, ?)',
      ...[owner.instanceId, owner.epoch, sequence, messageId],
    );
  }
  for (const entry of deduplication.keys()) {
    sql.run(
      'INSERT INTO dedup_key (instance_id, topic, key, message_id, seen_ms) VALUES (?, ?, ?, ?, ?)',
      ...[...partsOfKey(entry), entry.messageId, entry.seenMs],
    );
  }
}

function writeSubscriptions(sql: Statements, { subscriptions }: MemoryTables): void {
  for (const { instanceId, name, pattern, cursor, idleExpiryMs, pending } of subscriptions.all()) {
    const row = sql.get<{ id: bigint }>(
      `INSERT INTO subscription (instance_id, name, pattern, scanned_to, idle_expiry_ms) VALUES (?, ?, ?, ?, ?)
       RETURNING id`,
      ...[instanceId, name, pattern, cursor, idleExpiryMs ?? null],
    );
    for (const [position, { attempts, deliveredBy, member }] of pending) {
      sql.run(
        'INSERT INTO pending (subscription_id, position, attempts, delivered_by, member) VALUES (?, ?, ?, ?, ?)',
        ...[row?.id ?? null, position, attempts, deliveredBy ?? null, member ?? null],
      );
    }
  }
}
