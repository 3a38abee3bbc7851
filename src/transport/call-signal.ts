import type { RpcError } from './status.ts';

/** A signal that is made when somebody asks for it, and its reason when it aborts and somebody did: most calls end unobserved. */
export class CallSignal {
  #controller: AbortController | undefined;
  #reason: (() => RpcError) | undefined;

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#reason) this.#controller.abort(this.#reason());
    }
    return this.#controller.signal;
  }

  get isAborted(): boolean {
    return this.#reason !== undefined;
  }

  /** Only the first time counts. */
  abort(reason: () => RpcError): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#controller?.abort(reason());
  }
}
