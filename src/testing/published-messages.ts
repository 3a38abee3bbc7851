import { within } from '../base/async/within.ts';
import { realScheduler } from '../base/time/real-scheduler.ts';
import { EnvelopeSchema } from '../contract/wire/gen/meridian/v1/envelope_pb.ts';
import { readMessage } from '../contract/wire/read-message.ts';
import { matchTopic } from '../contract/wire/topics/topic.ts';
import type { Message } from '../plugin/index.ts';
import { messageFrom } from '../plugin/message.ts';
import { TestKitError } from './test-kit-error.ts';

export interface Wanted {
  readonly pattern: string;
  readonly sourceId: string | undefined;
}

interface Waiter {
  readonly wanted: Wanted;
  readonly give: (message: Message) => void;
}

/** Older ones are dropped: a test that asks for none must not fill the memory. */
const keptMax = 10_000;
const namedMax = 10;

/** What the bus has stored, until a test takes it. */
export class PublishedMessages {
  #kept: Message[] = [];
  #waiters: Waiter[] = [];

  add(envelopeBytes: Uint8Array): void {
    const message = messageFrom(readMessage(EnvelopeSchema, envelopeBytes));
    const waiter = this.#waiters.find(({ wanted }) => isWanted(message, wanted));
    if (waiter) {
      this.#waiters = this.#waiters.filter((each) => each !== waiter);
      waiter.give(message);
      return;
    }
    this.#kept.push(message);
    if (this.#kept.length > keptMax) this.#kept.shift();
  }

  /** Takes the oldest that fits. @throws TestKitError when none comes in time. */
  async next(wanted: Wanted, timeoutMs: number): Promise<Message> {
    const index = this.#kept.findIndex((message) => isWanted(message, wanted));
    const [kept] = index < 0 ? [] : this.#kept.splice(index, 1);
    if (kept) return kept;
    const arriving = Promise.withResolvers<Message>();
    const waiter = { wanted, give: arriving.resolve };
    this.#waiters.push(waiter);
    // Real time: virtual time may stand still until the test goes on.
    if (await within(realScheduler, timeoutMs, arriving.promise)) return arriving.promise;
    this.#waiters = this.#waiters.filter((each) => each !== waiter);
    throw new TestKitError(this.#whyNone(wanted, timeoutMs));
  }

  #whyNone({ pattern, sourceId }: Wanted, timeoutMs: number): string {
    const topics = [...new Set(this.#kept.map(({ topic, sourceId: from }) => `${topic} by ${from}`))];
    const others = topics.length > namedMax ? ` and ${topics.length - namedMax} others` : '';
    const named = topics.length === 0 ? 'nothing' : `${topics.slice(0, namedMax).join(', ')}${others}`;
    const by = sourceId === undefined ? '' : ` by ${sourceId}`;
    return `nothing was published on ${pattern}${by} within ${timeoutMs} ms; published and not yet taken: ${named}. On virtual time, what waits for time needs \`platform.advance(ms)\``;
  }
}

function isWanted({ topic, sourceId }: Message, wanted: Wanted): boolean {
  return matchTopic(wanted.pattern, topic) && (wanted.sourceId === undefined || wanted.sourceId === sourceId);
}
