import { matchTopic } from '../contract/wire/topics/topic.ts';
import { isActivity, openSubscriptions } from './conduct.ts';
import type { TestBed } from './test-bed.ts';

/** A message for the plugin. */
export interface InputMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** An action that a plugin has not begun after so long counts as omitted. */
const omittedAfterMs = 2_000;
/** A plugin that does nothing for so long has finished its current work. */
const settledAfterMs = 500;
/** A plugin that never pauses has finished its start after so long. */
const busyAfterMs = 3_000;

/**
 * Sends the plugin the messages that the options name, each once the plugin has subscribed to it. Without such options it sends
 * `{}` on a topic of the plugin's first subscription.
 */
export class Input {
  readonly #bed: TestBed;
  readonly #named: readonly InputMessage[];
  readonly #sending = new Map<string, Promise<string>>();

  constructor(bed: TestBed, named: readonly InputMessage[]) {
    this.#bed = bed;
    this.#named = named;
  }

  /** Sends the messages that can be sent and were not; returns at once. */
  feed(): void {
    for (const message of this.#possible()) {
      const key = message.topic + Buffer.from(message.payload).toString('base64');
      if (this.#sending.has(key)) continue;
      const sending = this.#bed.send(message.topic, message.payload);
      // Callers that wait for it get the error.
      sending.catch(() => {});
      this.#sending.set(key, sending);
    }
  }

  /** Sends another message like the first possible one; undefined when the plugin has no subscription. */
  async another(): Promise<string | undefined> {
    const [message] = this.#possible();
    return message && this.#bed.send(message.topic, message.payload);
  }

  /** The ids of all sent messages. @throws Error when the bus did not accept one. */
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

  /** Waits until the plugin has finished its current work, such as its start, so that the result does not depend on chance. */
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
