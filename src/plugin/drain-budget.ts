import type { Scheduler, Timer } from '../base/time/scheduler.ts';
import { RpcError } from '../transport/status.ts';

/** The time that a stopping plugin has. When it has passed, every open wait of the client fails, and every later one. */
export class DrainBudget {
  readonly #scheduler: Scheduler;
  readonly #waiting = new Set<(error: RpcError) => void>();
  #timer: Timer | undefined;
  #failure: RpcError | undefined;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Begins. A second call replaces the end of the first. `onOver` is called when the time has passed. */
  begin(timeoutMs: number, onOver: () => void): void {
    if (this.#failure) return;
    this.#timer?.cancel();
    this.#timer = this.#scheduler.setTimer(timeoutMs, () => {
      this.#end(`the plugin is stopping, and its drain of ${timeoutMs} ms is over`);
      onOver();
    });
  }

  /** The plugin has stopped in time. */
  finish(): void {
    this.#timer?.cancel();
    this.#end('the plugin has stopped');
  }

  /** The result of the wait. @throws RpcError UNAVAILABLE when the time passes first. */
  bound<T>(wait: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      wait.then(resolve, reject).finally(() => this.#waiting.delete(reject));
      if (this.#failure) reject(this.#failure);
      else this.#waiting.add(reject);
    });
  }

  #end(reason: string): void {
    this.#failure ??= new RpcError('UNAVAILABLE', reason);
    for (const fail of this.#waiting) fail(this.#failure);
    this.#waiting.clear();
  }
}
