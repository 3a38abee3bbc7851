import type { Log } from '../base/log.ts';
import { type Scheduler, sleep } from '../base/scheduler.ts';
import type { HealthReply } from './health-report.ts';
import type { HealthServer, ServeHealth } from './health-server.ts';

const retryEveryMs = 1_000;

export interface HealthEndpointOptions {
  readonly serveHealth: ServeHealth;
  readonly address: { readonly host: string | undefined; readonly port: number };
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly reply: (path: string) => Promise<HealthReply>;
}

/** The health server: opened when possible, and tried again for as long as its address is taken. */
export class HealthEndpoint {
  readonly #options: HealthEndpointOptions;
  readonly #closing = new AbortController();
  #server: Promise<HealthServer | undefined> = Promise.resolve(undefined);

  constructor(options: HealthEndpointOptions) {
    this.#options = options;
  }

  /** Opens it. @throws the system's error when the first attempt fails; the next ones go on behind. */
  async open(): Promise<void> {
    const first = this.#serve();
    this.#server = first.catch(() => this.#retry());
    await first;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await (await this.#server)?.close();
  }

  async #serve(): Promise<HealthServer> {
    const { serveHealth, address, log, reply } = this.#options;
    const server = await serveHealth(address, reply);
    log.info('health server listens', { port: server.port });
    return server;
  }

  async #retry(): Promise<HealthServer | undefined> {
    const { signal } = this.#closing;
    for (;;) {
      await sleep(this.#options.scheduler, retryEveryMs, signal);
      if (signal.aborted) return undefined;
      const server = await this.#serve().catch(() => undefined);
      if (server) return server;
    }
  }
}
