import { otherLabel } from '../../base/metrics/bounded-series.ts';
import { HourRing, sampleEveryMs, samplesMax } from './hour-ring.ts';

/** What passed under one name, a topic or a subscription: in all, and as samples of the last hour. */
export class Traffic {
  readonly publishedPerS = new HourRing();
  readonly deliveredPerS = new HourRing();
  /** From publish to delivery: the mean of the sample, in milliseconds. */
  readonly latencyMs = new HourRing();
  /** Messages that wait. */
  readonly lag = new HourRing();
  published = 0;
  delivered = 0;
  /** Samples since the last message. */
  idle = 0;
  #before = { published: 0, delivered: 0 };
  #latencySumMs = 0;

  publish(): void {
    this.published += 1;
  }

  deliver(latencyMs: number): void {
    this.delivered += 1;
    this.#latencySumMs += latencyMs;
  }

  sample(lag: number): void {
    const published = this.published - this.#before.published;
    const delivered = this.delivered - this.#before.delivered;
    this.publishedPerS.add((published * 1_000) / sampleEveryMs);
    this.deliveredPerS.add((delivered * 1_000) / sampleEveryMs);
    this.latencyMs.add(delivered === 0 ? 0 : this.#latencySumMs / delivered);
    this.lag.add(lag);
    this.idle = published + delivered + lag === 0 ? this.idle + 1 : 0;
    this.#before = { published: this.published, delivered: this.delivered };
    this.#latencySumMs = 0;
  }
}

/** The traffic of the first names that come; later ones share that of `other`. A name without traffic for an hour gives its place free. */
export class TrafficByName {
  readonly #max: number;
  readonly #byName = new Map<string, Traffic>();
  #other: Traffic | undefined;

  constructor(max: number) {
    this.#max = max;
  }

  of(name: string): Traffic {
    const known = this.#byName.get(name);
    if (known) return known;
    if (this.#byName.size >= this.#max) {
      this.#other ??= new Traffic();
      return this.#other;
    }
    const made = new Traffic();
    this.#byName.set(name, made);
    return made;
  }

  /** Takes a sample of each. `lags`: how many messages wait, by name. */
  sample(lags: ReadonlyMap<string, number>): void {
    let others = 0;
    for (const [name, lag] of lags) {
      if (this.of(name) === this.#other) others += lag;
    }
    this.#other?.sample(others);
    for (const [name, traffic] of this.#byName) {
      traffic.sample(lags.get(name) ?? 0);
      if (traffic.idle >= samplesMax) this.#byName.delete(name);
    }
  }

  all(): [string, Traffic][] {
    return [...this.#byName, ...(this.#other ? [[otherLabel, this.#other] as [string, Traffic]] : [])];
  }
}
