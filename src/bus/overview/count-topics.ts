import { matchTopic } from '../../contract/wire/topics/topic.ts';
import type { Store } from '../store/store.ts';

/** Messages that are read at once, and of one answer. */
const readSize = 64;
const scannedMax = 2_048;
/** Topics of one answer, so that it fits into a message. */
const topicsMax = 1_024;

export interface CountedTopics {
  readonly topics: {
    readonly topic: string;
    readonly messages: bigint;
    readonly bytes: bigint;
    readonly lastPublishedAtNs: bigint;
  }[];
  readonly scannedTo: bigint;
  readonly hasMore: boolean;
}

/** Counts the messages of a part of the log by topic. `pattern`: only of these; empty: of all. */
export async function countTopics(
  store: Pick<Store, 'read'>,
  { after, pattern }: { readonly after: bigint; readonly pattern: string },
): Promise<CountedTopics> {
  const topics = new Map<string, { messages: number; bytes: number; lastPublishedAtNs: bigint }>();
  let scannedTo = after;
  let hasMore = true;
  for (let scanned = 0; hasMore && scanned < scannedMax && topics.size <= topicsMax - readSize; ) {
    const messages = await store.read(scannedTo, readSize);
    for (const { topic, position, publishedAtNs, envelope } of messages) {
      scannedTo = position;
      if (pattern !== '' && !matchTopic(pattern, topic)) continue;
      const counted = topics.get(topic) ?? { messages: 0, bytes: 0, lastPublishedAtNs: 0n };
      counted.messages += 1;
      counted.bytes += envelope.bytes.length;
      counted.lastPublishedAtNs = publishedAtNs;
      topics.set(topic, counted);
    }
    scanned += messages.length;
    hasMore = messages.length > 0;
  }
  return {
    topics: [...topics].map(([topic, { messages, bytes, lastPublishedAtNs }]) => ({
      ...{ topic, lastPublishedAtNs, messages: BigInt(messages), bytes: BigInt(bytes) },
    })),
    scannedTo,
    hasMore,
  };
}
