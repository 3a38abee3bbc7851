import { Gate } from '../../base/async/gate.ts';
import type { RequestInit } from './bus-session.ts';

/** What a subscription that is over says of the messages that it had. */
export interface HandBack {
  readonly name: string;
  /** Had by the plugin when its stream broke off: attempts. Everything else never was one. */
  readonly failed: readonly bigint[];
}

/** The subscriptions that are over, until the bus has confirmed what became of their messages. */
export class HandBacks {
  readonly #send: (message: RequestInit) => boolean;
  readonly #unconfirmed = new Map<number, HandBack>();
  readonly #settled = new Gate(true);

  constructor(send: (message: RequestInit) => boolean) {
    this.#send = send;
  }

  add(subscriptionId: number, handBack: HandBack): void {
    this.#unconfirmed.set(subscriptionId, handBack);
    this.#settled.set(!this.#sendOne(subscriptionId, handBack));
  }

  confirm(subscriptionId: number): void {
    this.#unconfirmed.delete(subscriptionId);
    if (this.#unconfirmed.size === 0) this.#settled.set(true);
  }

  /** Says everything again that an earlier session did not confirm. */
  sendAll(): void {
    for (const [subscriptionId, handBack] of this.#unconfirmed) this.#sendOne(subscriptionId, handBack);
  }

  /** The session is lost: what is unconfirmed waits for the next. */
  down(): void {
    this.#settled.set(true);
  }

  /** Resolves when everything is confirmed, or there is no session to confirm it on. */
  confirmed(): Promise<void> {
    return this.#settled.opened();
  }

  #sendOne(subscriptionId: number, { name, failed }: HandBack): boolean {
    return this.#send({ case: 'unsubscribe', value: { subscriptionId, name, failed: [...failed] } });
  }
}
