import type { NewMessage, Owner } from '../store.ts';

interface DedupEntry {
  readonly messageId: string;
  readonly seenMs: number;
}

/**
 * Recognises repeats: retries of a sequence for as long as its epoch lives, and a plugin's own keys within their window.
 */
export class Deduplication {
  readonly #stored = new Map<string, Map<bigint, string>>();
  readonly #keys = new Map<string, DedupEntry>();
  readonly #windowMs: number;

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
    for (const sequence of sequences.keys()) {
      if (sequence >= message.settledBelow) break;
      sequences.delete(sequence);
    }
    if (!message.envelope.meta?.dedupKey) return;
    this.#dropExpiredKeys(stored.nowMs);
    const key = dedupKey(owner, message);
    if (!this.#keys.has(key)) this.#keys.set(key, { messageId: stored.messageId, seenMs: stored.nowMs });
  }

  forget(owner: Owner): void {
    this.#stored.delete(epochKey(owner));
  }

  #dropExpiredKeys(nowMs: number): void {
    // A map keeps insertion order, so the expired ones come first.
    for (const [key, entry] of this.#keys) {
      if (nowMs - entry.seenMs < this.#windowMs) return;
      this.#keys.delete(key);
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
