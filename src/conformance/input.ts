import { matchTopic } from '../contract/wire/topic.ts';
import { isActivity, openSubscriptions } from './conduct.ts';
import type { TestBed } from './test-bed.ts';

/** A message for the plugin. */
export interface InputMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** A plugin that did nothing for so long will not do it. */
const omittedAfterMs = 2_000;
/** A plugin that does nothing for so long is not in the middle of something. */
const settledAfterMs = 500;
/** A plugin that does something all the time is at its usual work after so long. */
const busyAfterMs = 3_000;

/**
 * Sends the plugin the messages that it was said to take, each once it has subscribed to it; when none was named, `{}` on a
 * topic of its first subscription.
 */
export class Input {
  readonly #bed: TestBed;
  readonly #named: readonly InputMessage[];
  readonly #sending = new Map<string, Promise<string>>();

  constructor(bed: TestBed, named: readonly InputMessage[]) {
    this.#bed = bed;
    this.#named = named;
  }

  /** Sends what can be sent and was not; returns at once. */
  feed(): void {
    for (const message of this.#possible()) {
      const key = message.topic + Buffer.from(message.payload).toString('base64');
      if (this.#sending.has(key)) continue;
      const sending = this.#bed.send(message.topic, message.payload);
      // Whoever waits for it hears of it.
      sending.catch(() => {});
      this.#sending.set(key, sending);
    }
  }

  /** Sends another message like the first that can be sent; undefined when the plugin subscribes to none. */
  async another(): Promise<string | undefined> {
    const [message] = this.#possible();
    return message && this.#bed.send(message.topic, message.payload);
  }

  /** The ids of everything that was sent. @throws Error when the bus did not take one. */
  ids(): Promise<string[]> {
    return Promise.all(this.#sending.values());
  }

  /** Feeds the plugin until `reached`, until it ends, or until it does nothing more by itself. */
  async feedUntil(reached: () => boolean, timeoutMs: number, quietMs = omittedAfterMs): Promise<void> {
    const { journal } = this.#bed;
    const deadlineMs = journal.nowMs + timeoutMs;
    for (;;) {
      this.feed();
      const known = journal.facts.length;
      const waitMs = Math.min(quietMs, deadlineMs - journal.nowMs);
      if (waitMs <= 0 || this.#bed.exit !== undefined || reached()) return;
      const next = await journal.until(waitMs, () => reached() || journal.facts.slice(known).some(isActivity));
      if (next === undefined) return;
    }
  }

  /** Lets the plugin finish what it is about, such as its start: how it fares then is not left to chance. */
  letSettle(): Promise<void> {
    return this.feedUntil(() => false, busyAfterMs, settledAfterMs);
  }

  #possible(): readonly InputMessage[] {
    const patterns = openSubscriptions(this.#bed.journal).map(({ pattern }) => pattern);
    if (this.#named.length > 0) {
      return this.#named.filter(({ topic }) => patterns.some((pattern) => matchTopic(pattern, topic)));
    }
    const [first] = patterns;
    return first === undefined ? [] : [{ topic: topicOf(first), payload: Buffer.from('{}') }];
  }
}

/** A topic that the pattern covers. */
function topicOf(pattern: string): string {
  return pattern.replaceAll('**', 'conformance').replaceAll('*', 'conformance');
}
