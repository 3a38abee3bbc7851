import { Gate } from '../../base/async/gate.ts';
import type { RequestInit } from './bus-session.ts';

/** The outcome of the messages in flight when a subscription ended. */
export interface Requeue {
  readonly name: string;
  readonly group?: string | undefined;
  /** The plugin had these when its stream broke: nacked, so they count as attempts. All others are requeued and do not. */
  readonly failed: readonly bigint[];
}

/** Ended subscriptions, until the bus has confirmed the outcome of their messages. */
export class Requeues {
  readonly #send: (message: RequestInit) => boolean;
  readonly #unconfirmed = new Map<number, Requeue>();
  readonly #settled = new Gate(true);

  constructor(send: (message: RequestInit) => boolean) {
    this.#send = send;
  }

  add(subscriptionId: number, requeue: Requeue): void {
    this.#unconfirmed.set(subscriptionId, requeue);
    this.#settled.set(!this.#sendOne(subscriptionId, requeue));
  }

  confirm(subscriptionId: number): void {
    this.#unconfirmed.delete(subscriptionId);
    if (this.#unconfirmed.size === 0) this.#settled.set(true);
  }

  /** Resends everything that an earlier session did not confirm. */
  sendAll(): void {
    for (const [subscriptionId, requeue] of this.#unconfirmed) this.#sendOne(subscriptionId, requeue);
  }

  /** The session is lost: unconfirmed outcomes wait for the next one. */
  down(): void {
    this.#settled.set(true);
  }

  /** Resolves when everything is confirmed, or the session is lost. */
  confirmed(): Promise<void> {
    return this.#settled.opened();
  }

  #sendOne(subscriptionId: number, { name, group = '', failed }: Requeue): boolean {
    return this.#send({ case: 'unsubscribe', value: { subscriptionId, name, group, failed: [...failed] } });
  }
}
