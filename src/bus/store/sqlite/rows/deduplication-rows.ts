import { limits } from '../../../../contract/wire/limits.ts';
import type { Owner } from '../../store.ts';
import type { EncodedMessage } from '../store-commands.ts';
import type { Statements } from './statements.ts';

/** Recognises repeats: resent sequences while their epoch may write, and a plugin's own keys within their window. */
export class DeduplicationRows {
  readonly #sql: Statements;
  readonly #windowMs: bigint;

  constructor(sql: Statements, windowMs: number) {
    this.#sql = sql;
    this.#windowMs = BigInt(windowMs);
  }

  /** The id of the message stored earlier under this sequence of this epoch. */
  storedEarlier({ instanceId, epoch }: Owner, { sequence }: EncodedMessage): string | undefined {
    return this.#sql.get<{ id: string }>(
      'SELECT message_id AS id FROM stored_sequence WHERE instance_id = ? AND epoch = ? AND sequence = ?',
      instanceId,
      epoch,
      sequence,
    )?.id;
  }

  /** The id of the first message with the same dedup key of this instance and topic, within the window. */
  sameKey({ instanceId }: Owner, { topic, dedupKey }: EncodedMessage, wallTimeMs: bigint): string | undefined {
    if (dedupKey === '') return undefined;
    return this.#sql.get<{ id: string }>(
      'SELECT message_id AS id FROM dedup_key WHERE instance_id = ? AND topic = ? AND key = ? AND seen_ms > ?',
      instanceId,
      topic,
      dedupKey,
      wallTimeMs - this.#windowMs,
    )?.id;
  }

  remember(owner: Owner, message: EncodedMessage, stored: { messageId: string; wallTimeMs: bigint }): void {
    const { instanceId, epoch } = owner;
    this.#sql.run(
      'INSERT INTO stored_sequence (instance_id, epoch, sequence, message_id) VALUES (?, ?, ?, ?)',
      instanceId,
      epoch,
      message.sequence,
      stored.messageId,
    );
    if (message.dedupKey === '') return;
    this.dropExpired(stored.wallTimeMs);
    this.#sql.run(
      `INSERT INTO dedup_key (instance_id, topic, key, message_id, seen_ms) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
      instanceId,
      message.topic,
      message.dedupKey,
      stored.messageId,
      stored.wallTimeMs,
    );
  }

  /** The size of the instance's keys. */
  keyBytes({ instanceId }: Owner): number {
    const sql = 'SELECT bytes FROM dedup_bytes WHERE instance_id = ?';
    return Number(this.#sql.get<{ bytes: bigint }>(sql, instanceId)?.bytes ?? 0n);
  }

  dropExpired(wallTimeMs: bigint): void {
    this.#sql.run('DELETE FROM dedup_key WHERE seen_ms <= ?', wallTimeMs - this.#windowMs);
  }

  /** Forgets settled sequences, and all but the newest, whatever a sidecar reports as settled. */
  forgetSettled({ instanceId, epoch }: Owner, settledBelow: bigint): void {
    this.#sql.run(
      `DELETE FROM stored_sequence WHERE instance_id = ? AND epoch = ? AND sequence < max(?, (
         SELECT max(sequence) - ? FROM stored_sequence WHERE instance_id = ? AND epoch = ?))`,
      instanceId,
      epoch,
      settledBelow,
      limits.unsettledPublishes,
      instanceId,
      epoch,
    );
  }

  /** Forgets the sequences of every epoch that may no longer write. */
  forgetEndedEpochs(instanceId: string): void {
    this.#sql.run(
      `DELETE FROM stored_sequence WHERE instance_id = ? AND epoch NOT IN (
         SELECT epoch FROM epoch WHERE instance_id = ? AND phase IN ('active', 'draining'))`,
      instanceId,
      instanceId,
    );
  }
}
