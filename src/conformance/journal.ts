import { type Scheduler, sleep } from '../base/time/scheduler.ts';
import type { Envelope } from '../contract/wire/gen/meridian/v1/envelope_pb.ts';
import type { Sidecar } from '../sidecar/sidecar.ts';

/** One event between a plugin, its sidecar and the bus. */
export type Fact =
  | { readonly kind: 'called'; readonly call: number; readonly path: string }
  | { readonly kind: 'received'; readonly call: number; readonly path: string; readonly message: unknown }
  /** The sidecar told a caller that its stream is open. */
  | { readonly kind: 'accepted'; readonly call: number; readonly path: string }
  | { readonly kind: 'sent'; readonly call: number; readonly path: string; readonly message: unknown }
  | { readonly kind: 'ended'; readonly call: number; readonly path: string; readonly failure: string | undefined }
  | { readonly kind: 'state'; readonly state: Sidecar['state'] }
  | { readonly kind: 'stored'; readonly envelope: Envelope }
  | { readonly kind: 'started'; readonly start: number }
  | { readonly kind: 'exited'; readonly start: number };

export type TimedFact = Fact & { readonly atMs: number };

/** A method of the plugin's port: its path, and the types of its messages. */
export interface JournaledMethod<Request, Response> {
  readonly path: string;
  readonly request: { decode(bytes: Uint8Array): Request };
  readonly response: { decode(bytes: Uint8Array): Response };
}

export interface CallMessage<T> {
  readonly call: number;
  readonly atMs: number;
  readonly message: T;
}

/** Checking after every fact would be too slow beside a plugin that publishes thousands of messages a second. */
const lookEveryMs = 10;

/** All facts, in order, and a way to wait for more. */
export class Journal {
  readonly facts: TimedFact[] = [];
  readonly #scheduler: Scheduler;
  readonly #waiting = new Set<() => Promise<void>>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get nowMs(): number {
    return this.#scheduler.nowMs();
  }

  note(fact: Fact): void {
    this.facts.push({ ...fact, atMs: this.nowMs });
    for (const look of this.#waiting) void look();
  }

  /** The first value that `look` finds, now or after a later fact; undefined after `timeoutMs` without one. */
  async until<T>(timeoutMs: number, look: () => T | undefined | false): Promise<T | undefined> {
    const { promise, resolve } = Promise.withResolvers<T | undefined>();
    const done = new AbortController();
    const lookNow = (): void => {
      const found = look();
      if (found !== undefined && found !== false) resolve(found);
    };
    let isDue = false;
    const lookAgain = async (): Promise<void> => {
      if (isDue) return;
      isDue = true;
      await sleep(this.#scheduler, lookEveryMs, done.signal);
      isDue = false;
      lookNow();
    };
    this.#waiting.add(lookAgain);
    lookNow();
    void sleep(this.#scheduler, timeoutMs, done.signal).then(() => resolve(undefined));
    try {
      return await promise;
    } finally {
      this.#waiting.delete(lookAgain);
      done.abort();
    }
  }

  /** The messages that the plugin sent by one method, beginning with the fact of this index. */
  received<Request, Response>(method: JournaledMethod<Request, Response>, from = 0): CallMessage<Request>[] {
    return this.#messages<Request>('received', method.path, from);
  }

  /** The messages that the sidecar sent to the plugin by one method, beginning with the fact of this index. */
  sent<Request, Response>(method: JournaledMethod<Request, Response>, from = 0): CallMessage<Response>[] {
    return this.#messages<Response>('sent', method.path, from);
  }

  #messages<T>(kind: 'received' | 'sent', path: string, from: number): CallMessage<T>[] {
    return this.facts.slice(from).flatMap((fact) =>
      // The path determines the type that the codec gave to the message.
      fact.kind === kind && fact.path === path
        ? [{ call: fact.call, atMs: fact.atMs, message: fact.message as T }]
        : [],
    );
  }
}
