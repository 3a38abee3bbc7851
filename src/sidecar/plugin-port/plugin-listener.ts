import type { Log } from '../../base/log/log.ts';
import { type Scheduler, sleep } from '../../base/time/scheduler.ts';
import type { Listener, ListenOptions, Network } from '../../transport/rpc.ts';

const retryEveryMs = 250;

export interface PluginListenerOptions {
  readonly network: Network;
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly address: string;
  readonly listen: ListenOptions;
  /** How long to try again while the port is taken. */
  readonly retryForMs: number;
}

/** The plugin's port. While it is taken, opening it is tried again for a while. */
export class PluginListener {
  readonly #options: PluginListenerOptions;
  readonly #closing = new AbortController();
  #bound: Promise<Listener> | undefined;

  constructor(options: PluginListenerOptions) {
    this.#options = options;
  }

  /** Opens the port. @throws RpcError when the first attempt fails; later attempts continue in the background. */
  async open(): Promise<void> {
    const first = this.#listen();
    this.#bound = first.catch(() => this.#retry());
    this.#bound.catch(() => {});
    await first;
  }

  /** The address that was bound. @throws RpcError with the last failure. */
  async bound(): Promise<string> {
    if (!this.#bound) throw new Error('the plugin port was never opened');
    return (await this.#bound).address;
  }

  /** Accepts no new calls and resolves when those in progress have ended. */
  async drain(): Promise<void> {
    await (await this.#bound?.catch(() => undefined))?.drain();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    (await this.#bound?.catch(() => undefined))?.close();
  }

  async #listen(): Promise<Listener> {
    const { network, log, address, listen } = this.#options;
    const listener = await network.listen(address, listen);
    log.info('plugin port listens', { address: listener.address });
    return listener;
  }

  async #retry(): Promise<Listener> {
    const { scheduler, retryForMs } = this.#options;
    const deadlineMs = scheduler.nowMs() + retryForMs;
    for (;;) {
      await sleep(scheduler, retryEveryMs, this.#closing.signal);
      try {
        return await this.#listen();
      } catch (error) {
        if (this.#closing.signal.aborted || scheduler.nowMs() >= deadlineMs) throw error;
      }
    }
  }
}
