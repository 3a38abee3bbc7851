import { SequenceRing } from '../../../base/sequence-ring.ts';
import { limits } from '../../../contract/wire/limits.ts';
import { keySize, rowBytes, textBytes } from '../retention.ts';
import type { NewMessage, Owner } from '../store.ts';

/** The publishes of one epoch that may be repeated. */
interface EpochPublishes {
  readonly messageIds: Map<bigint, string>;
  /** The same in the order in which they came. */
  readonly inOrder: SequenceRing<{ readonly sequence: bigint; readonly bytes: number }>;
}

/** A plugin's dedup key in use. */
export interface DedupEntry {
  readonly key: string;
  readonly messageId: string;
  readonly instanceId: string;
  readonly bytes: number;
  readonly seenMs: number;
}

/** Recognises repeats: resent sequences while their epoch lives, and a plugin's own keys within their window. */
export class Deduplication {
  /** By instance id, then by epoch. */
  readonly #stored = new Map<string, Map<bigint, EpochPublishes>>();
  readonly #keys = new Map<string, DedupEntry>();
  /** The same in the order in which they expire. */
  readonly #expiring = new SequenceRing<DedupEntry>();
  readonly #windowMs: number;
  readonly #bytesOf = new Map<string, number>();
  #bytes = 0;
  #onPublish: (owner: Owner, sequence: bigint) => void = () => {};

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** The id of the message stored earlier under this sequence of this epoch. */
  storedEarlier({ instanceId, epoch }: Owner, { sequence }: Pick<NewMessage, 'sequence'>): string | undefined {
    return this.#stored.get(instanceId)?.get(epoch)?.messageIds.get(sequence);
  }

  /** The id of the first message with the same dedup key of this instance and topic, within the window. */
  sameKey(owner: Owner, message: NewMessage, nowMs: number): string | undefined {
    const entry = this.#keys.get(dedupKey(owner, message));
    return entry && nowMs - entry.seenMs < this.#windowMs ? entry.messageId : undefined;
  }

  remember(owner: Owner, message: NewMessage, stored: { messageId: string; nowMs: number }): void {
    this.#rememberSequence(owner, message, stored.messageId);
    if (!message.meta.dedupKey) return;
    this.dropExpired(stored.nowMs);
    const { instanceId } = owner;
    const { messageId, nowMs: seenMs } = stored;
    const key = dedupKey(owner, message);
    this.restoreKey({ key, messageId, instanceId, bytes: keySizeOf(owner, message), seenMs });
  }

  forget({ instanceId, epoch }: Owner): void {
    const epochs = this.#stored.get(instanceId);
    for (const { bytes, sequence } of epochs?.get(epoch)?.inOrder ?? []) {
      this.#bytes -= bytes;
      this.#onPublish({ instanceId, epoch }, sequence);
    }
    epochs?.delete(epoch);
    if (epochs?.size === 0) this.#stored.delete(instanceId);
  }

  /** Calls the listener with each sequence that is remembered or forgotten. */
  watchPublishes(listener: (owner: Owner, sequence: bigint) => void): void {
    this.#onPublish = listener;
  }

  restorePublish(owner: Owner, sequence: bigint, messageId: string): void {
    this.#rememberSequence(owner, { sequence, settledBelow: 0n }, messageId);
  }

  /** All publishes that may be repeated. */
  *publishes(): Iterable<{ readonly owner: Owner; readonly sequence: bigint; readonly messageId: string }> {
    for (const [instanceId, epochs] of this.#stored) {
      for (const [epoch, { messageIds }] of epochs) {
        for (const [sequence, messageId] of messageIds) yield { owner: { instanceId, epoch }, sequence, messageId };
      }
    }
  }

  /** In the order in which they expire. */
  keys(): Iterable<DedupEntry> {
    return this.#expiring;
  }

  keyOf(owner: Owner, message: NewMessage): DedupEntry | undefined {
    return this.#keys.get(dedupKey(owner, message));
  }

  /** Must be called in the order in which the keys expire. */
  restoreKey(entry: DedupEntry): void {
    if (this.#keys.has(entry.key)) return;
    this.#keys.set(entry.key, entry);
    this.#expiring.push(entry);
    this.#count(entry.instanceId, entry.bytes);
  }

  /** The size of all keys and unsettled publishes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The size of an instance's keys, and the size that these messages would add. */
  keyBytes(owner: Owner, messages: readonly NewMessage[], nowMs: number): { kept: number; toCome: number } {
    this.dropExpired(nowMs);
    const isNew = (message: NewMessage): boolean =>
      Boolean(message.meta.dedupKey) &&
      this.storedEarlier(owner, message) === undefined &&
      this.sameKey(owner, message, nowMs) === undefined;
    let toCome = 0;
    for (const message of messages) if (isNew(message)) toCome += keySizeOf(owner, message);
    return { kept: this.#bytesOf.get(owner.instanceId) ?? 0, toCome };
  }

  #rememberSequence(
    owner: Owner,
    { sequence, settledBelow }: Pick<NewMessage, 'sequence' | 'settledBelow'>,
    messageId: string,
  ): void {
    const { messageIds, inOrder } = this.#publishesOf(owner);
    const bytes = publishSize(owner, messageId);
    messageIds.set(sequence, messageId);
    inOrder.push({ sequence, bytes });
    this.#bytes += bytes;
    this.#onPublish(owner, sequence);
    // Only the newest are kept, whatever a sidecar reports as settled.
    for (let { oldest } = inOrder; oldest; { oldest } = inOrder) {
      if (oldest.sequence >= settledBelow && inOrder.size <= limits.unsettledPublishes) break;
      inOrder.delete(inOrder.first);
      messageIds.delete(oldest.sequence);
      this.#bytes -= oldest.bytes;
      this.#onPublish(owner, oldest.sequence);
    }
  }

  #publishesOf({ instanceId, epoch }: Owner): EpochPublishes {
    let epochs = this.#stored.get(instanceId);
    if (!epochs) {
      epochs = new Map();
      this.#stored.set(instanceId, epochs);
    }
    let publishes = epochs.get(epoch);
    if (!publishes) {
      publishes = { messageIds: new Map(), inOrder: new SequenceRing() };
      epochs.set(epoch, publishes);
    }
    return publishes;
  }

  #count(instanceId: string, bytes: number): void {
    this.#bytes += bytes;
    this.#bytesOf.set(instanceId, (this.#bytesOf.get(instanceId) ?? 0) + bytes);
  }

  /** Forgets the keys whose window is over. */
  dropExpired(nowMs: number): void {
    const expiring = this.#expiring;
    for (let { oldest } = expiring; oldest && nowMs - oldest.seenMs >= this.#windowMs; { oldest } = expiring) {
      expiring.delete(expiring.first);
      this.#keys.delete(oldest.key);
      this.#count(oldest.instanceId, -oldest.bytes);
    }
  }
}

function dedupKey(owner: Owner, message: NewMessage): string {
  const { topic, dedupKey: key } = message.meta;
  return textOfKey(owner.instanceId, topic, key);
}

/** The text by which a key is found. */
export function textOfKey(instanceId: string, topic: string, dedupKey: string): string {
  return `${instanceId} ${topic} ${dedupKey}`;
}

/** The instance id, the topic and the plugin's key of an entry; only the last may contain blanks. */
export function partsOfKey({ key }: Pick<DedupEntry, 'key'>): [instanceId: string, topic: string, dedupKey: string] {
  const [instanceId = '', topic = ''] = key.split(' ', 2);
  return [instanceId, topic, key.slice(instanceId.length + topic.length + 2)];
}

function keySizeOf(owner: Owner, { meta }: NewMessage): number {
  return keySize(owner, meta);
}

function publishSize({ instanceId }: Owner, messageId: string): number {
  return textBytes(instanceId, messageId) + rowBytes.publish;
}
