import type { Log, LogFields } from '../../base/log/log.ts';
import type { Scheduler } from '../../base/time/scheduler.ts';
import type { CallEnding } from '../../contract/wire/call-ending.ts';
import { EnvelopeSchema, type MessageMeta } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import { readMessage } from '../../contract/wire/read-message.ts';
import type { StoredUnder } from '../session/feed.ts';
import type { StoredMessage } from '../store/store.ts';
import { keeperOf, subscriptionText } from '../store/subscription-key.ts';
import type { BusTelemetry, DeadLettering, Refusal, RefusedKind, StoredOutcome } from '../telemetry.ts';
import { consoleLimits } from './console-limits.ts';
import type { ProblemKind } from './problem-guide.ts';
import { Recent } from './recent.ts';
import { TrafficByName } from './traffic.ts';

type Meta = MessageMeta | undefined;

/** A refusal or an error. */
export interface Problem {
  readonly atMs: number;
  readonly kind: ProblemKind;
  readonly who: string;
  readonly reason: string;
}

export interface RecordedDeadLetter extends DeadLettering {
  readonly atMs: number;
  readonly instance: string;
  readonly topic: string;
  readonly messageId: string;
}

/** Remembers what passes through the bus, for the console: a bounded number of series and of the last problems. */
export class ConsoleRecorder implements BusTelemetry {
  readonly topics = new TrafficByName(consoleLimits.series);
  readonly subscriptions = new TrafficByName(consoleLimits.series);
  readonly problems = new Recent<Problem>(consoleLimits.recent);
  readonly deadLetters = new Recent<RecordedDeadLetter>(consoleLimits.recent);
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** A log that writes to `log` and remembers warnings and errors. */
  logTo(log: Log): Log {
    const at = (kind: 'warning' | 'error', write: Log['warn']) => (message: string, fields?: LogFields) => {
      write(message, fields);
      // These are also told as events, with more about them.
      if (toldOtherwise.has(message)) return;
      const { instance = '', address = '', reason, ...others } = fields ?? {};
      const rest = Object.entries(others).map(([name, value]) => `${name}=${String(value)}`);
      const text = [reason === undefined ? message : `${message}: ${String(reason)}`, ...rest].join(' ');
      this.#problem(kind, { who: String(instance) || String(address), reason: text });
    };
    return {
      debug: (message, fields) => log.debug(message, fields),
      info: (message, fields) => log.info(message, fields),
      warn: at('warning', (message, fields) => log.warn(message, fields)),
      error: at('error', (message, fields) => log.error(message, fields)),
    };
  }

  watch(): void {}

  append<T>(work: Promise<T>): Promise<T> {
    return work;
  }

  published(meta: Meta, outcome: StoredOutcome, reason = ''): void {
    if (outcome === 'refused') {
      const { publisherInstanceId = '', topic = '' } = meta ?? {};
      this.#problem('publish-refused', { who: publisherInstanceId, reason: topic ? `${topic}: ${reason}` : reason });
    } else this.topics.of(meta?.topic ?? '').publish();
  }

  delivered({ topic, envelope, publishedAtNs }: StoredMessage, _receiver: string, subscription: StoredUnder): void {
    // The sidecar's clock may be ahead of the bus's.
    const latencyMs = Math.max(0, Number((this.#scheduler.wallTimeNs() - publishedAtNs) / 1_000n) / 1_000);
    const name = topic || readMessage(EnvelopeSchema, envelope.bytes).meta?.topic || '';
    this.topics.of(name).deliver(latencyMs);
    const key = subscriptionText({ instanceId: keeperOf(subscription.writer), name: subscription.name });
    this.subscriptions.of(key).deliver(latencyMs);
  }

  requested(): void {}

  deadLettered(meta: Meta, receiver: string, how: DeadLettering): void {
    const { topic = '', messageId = '' } = meta ?? {};
    this.deadLetters.add({ ...how, atMs: this.#nowMs, instance: receiver, topic, messageId });
  }

  called(meta: Meta, outcome: CallEnding, reason = ''): void {
    if (outcome !== 'refused') return;
    const { publisherInstanceId = '', topic = '' } = meta ?? {};
    this.#problem('call-refused', { who: publisherInstanceId, reason: topic ? `${topic}: ${reason}` : reason });
  }

  refused(kind: RefusedKind, refusal: Refusal): void {
    this.#problem(`${kind}-refused`, refusal);
  }

  /** The log tells whose. */
  leaseEnded(): void {}

  get #nowMs(): number {
    return Number(this.#scheduler.wallTimeNs() / 1_000_000n);
  }

  #problem(kind: ProblemKind, { who, reason }: Refusal): void {
    this.problems.add({ atMs: this.#nowMs, kind, who, reason });
  }
}

const toldOtherwise: ReadonlySet<string> = new Set(['dead letter', 'refused a client']);
