import { clockTickMs, cpuMs } from '../programs/cpu-time.ts';
import { type Load, sendRequests } from './h2load.ts';

/** What a load did, for each thing that was asked: a request, or a message of a stream. */
export interface Cost {
  readonly perSecond: number;
  /** The processor's time that each of the processes took, in microseconds. */
  readonly cpuUs: readonly number[];
}

export interface LoadOptions {
  /** The processes whose time is counted. */
  readonly pids: readonly number[];
  /** How many things one request asks for; 1 when absent. */
  readonly perRequest?: number;
  /** The size of every answer, where that is known: a failed call has a smaller one. */
  readonly answerBytes?: number;
  /** How many things were done so far, by the count of the one who did them. */
  readonly done?: () => Promise<number>;
  /** Resolves once so many more things have arrived, where that is later than the answers. */
  readonly arrived?: (count: number) => Promise<unknown>;
}

/** A server's code gets several times faster before this many things, or this many rounds' time, are done. */
const warmUp = { things: 15_000, rounds: 3, requestsAtATime: 2_000 } as const;

/** A load whose rounds last equally long, whatever the server is. */
export class MeasuredLoad {
  readonly #load: Load;
  readonly #options: LoadOptions;
  #requestsPerMs = 0;

  constructor(load: Load, options: LoadOptions) {
    this.#load = load;
    this.#options = options;
  }

  /** @throws Error when a call failed, or was answered and not done: an error is often cheaper than what was asked for. */
  async run(roundMs: number): Promise<Cost> {
    if (this.#requestsPerMs === 0) await this.#warmUp(roundMs);
    return this.#send(Math.max(1, Math.round(this.#requestsPerMs * roundMs)));
  }

  /** Makes the server's code hot, and tells how many requests fit into a round. */
  async #warmUp(roundMs: number): Promise<void> {
    const { perRequest = 1 } = this.#options;
    // A short round has a short warm-up.
    const requests = Math.ceil(Math.min(warmUp.requestsAtATime, roundMs) / perRequest);
    const things = Math.min(warmUp.things, roundMs * 15);
    const endMs = performance.now() + roundMs * warmUp.rounds;
    let cost = await this.#send(requests);
    for (let done = requests * perRequest; done < things && performance.now() < endMs; done += requests * perRequest) {
      cost = await this.#send(requests);
    }
    this.#requestsPerMs = cost.perSecond / perRequest / 1_000;
  }

  async #send(requests: number): Promise<Cost> {
    const { pids, perRequest = 1, answerBytes, done, arrived } = this.#options;
    const count = requests * perRequest;
    const doneBefore = await done?.();
    const beforeMs = pids.map(cpuMs);
    const startedMs = performance.now();
    const [{ tookMs, dataBytes }] = await Promise.all([sendRequests(this.#load, requests), arrived?.(count)]);
    const arrivedMs = performance.now() - startedMs;
    const afterMs = pids.map(cpuMs);
    const { path } = this.#load;
    if (answerBytes !== undefined && dataBytes !== answerBytes * requests) {
      throw new Error(`the ${requests} answers of ${path} have ${dataBytes} bytes, not ${answerBytes} each`);
    }
    const did = doneBefore === undefined ? count : ((await done?.()) ?? 0) - doneBefore;
    if (did !== count) throw new Error(`${path} was asked for ${count}, and ${did} were done`);
    return {
      perSecond: (count * 1_000) / (arrived ? arrivedMs : tookMs),
      cpuUs: pids.map(
        (_pid, index) => (Math.max(clockTickMs, (afterMs[index] ?? 0) - (beforeMs[index] ?? 0)) * 1_000) / count,
      ),
    };
  }
}
