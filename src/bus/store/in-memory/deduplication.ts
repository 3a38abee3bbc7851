import { limits } from '../../../contract/wire/limits.ts';
import { keySize, rowBytes, textBytes } from '../retention.ts';
import type { NewMessage, Owner } from '../store.ts';

interface DedupEntry {
  readonly messageId: string;
  readonly instanceId: string;
  readonly bytes: number;
  readonly seenMs: number;
}

/** Recognises repeats: resent sequences while their epoch lives, and a plugin's own keys within their window. */
export class Deduplication {
  readonly #stored = new Map<string, Map<bigint, string>>();
  readonly #keys = new Map<string, DedupEntry>();
  readonly #windowMs: number;
  readonly #bytesOf = new Map<string, number>();
  #bytes = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** The id of the message stored earlier under this sequence of this epoch. */
  storedEarlier(owner: Owner, message: NewMessage): string | undefined {
    return this.#stored.get(epochKey(owner))?.get(message.sequence);
  }

  /** The id of the first message with the same dedup key of this instance and topic, within the window. */
  sameKey(owner: Owner, message: NewMessage, nowMs: number): string | undefined {
    const entry = this.#keys.get(dedupKey(owner, message));
    return entry && nowMs - entry.seenMs < this.#windowMs ? entry.messageId : undefined;
  }

  remember(owner: Owner, message: NewMessage, stored: { messageId: string; nowMs: number }): void {
    const sequences = this.#stored.get(epochKey(owner)) ?? new Map<bigint, string>();
    this.#stored.set(epochKey(owner), sequences);
    sequences.set(message.sequence, stored.messageId);
    this.#bytes += publishSize(owner, stored.messageId);
    // Only the newest are kept, whatever a sidecar reports as settled.
    for (const [sequence, messageId] of sequences) {
      if (sequence >= message.settledBelow && sequences.size <= limits.unsettledPublishes) break;
      sequences.delete(sequence);
      this.#bytes -= publishSize(owner, messageId);
    }
    if (!message.envelope.meta?.dedupKey) return;
    this.#dropExpiredKeys(stored.nowMs);
    const key = dedupKey(owner, message);
    if (this.#keys.has(key)) return;
    const { instanceId } = owner;
    const { messageId, nowMs: seenMs } = stored;
    const bytes = keySizeOf(owner, message);
    this.#keys.set(key, { messageId, instanceId, bytes, seenMs });
    this.#count(instanceId, bytes);
  }

  forget(owner: Owner): void {
    for (const messageId of this.#stored.get(epochKey(owner))?.values() ?? []) {
      this.#bytes -= publishSize(owner, messageId);
    }
    this.#stored.delete(epochKey(owner));
  }

  /** The size of all keys and unsettled publishes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The size of an instance's keys, and the size that these messages would add. */
  keyBytes(owner: Owner, messages: readonly NewMessage[], nowMs: number): { kept: number; toCome: number } {
    this.#dropExpiredKeys(nowMs);
    const isNew = (message: NewMessage): boolean =>
      Boolean(message.envelope.meta?.dedupKey) &&
      this.storedEarlier(owner, message) === undefined &&
      this.sameKey(owner, message, nowMs) === undefined;
    const toCome = messages.filter(isNew).reduce((sum, message) => sum + keySizeOf(owner, message), 0);
    return { kept: this.#bytesOf.get(owner.instanceId) ?? 0, toCome };
  }

  #count(instanceId: string, bytes: number): void {
    this.#bytes += bytes;
    this.#bytesOf.set(instanceId, (this.#bytesOf.get(instanceId) ?? 0) + bytes);
  }

  #dropExpiredKeys(nowMs: number): void {
    // A map keeps insertion order, so the expired ones come first.
    for (const [key, entry] of this.#keys) {
      if (nowMs - entry.seenMs < this.#windowMs) return;
      this.#keys.delete(key);
      this.#count(entry.instanceId, -entry.bytes);
    }
  }
}

function epochKey(owner: Owner): string {
  return `${owner.instanceId} ${owner.epoch}`;
}

function dedupKey(owner: Owner, message: NewMessage): string {
  const meta = message.envelope.meta;
  return `${owner.instanceId} ${meta?.topic} ${meta?.dedupKey}`;
}

function keySizeOf(owner: Owner, { envelope }: NewMessage): number {
  const { topic = '', dedupKey = '', messageId = '' } = envelope.meta ?? {};
  return keySize(owner, { topic, dedupKey, messageId });
}

function publishSize({ instanceId }: Owner, messageId: string): number {
  return textBytes(instanceId, messageId) + rowBytes.publish;
}
