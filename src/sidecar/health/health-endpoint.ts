import type { Log } from '../../base/log/log.ts';
import { type Scheduler, sleep } from '../../base/time/scheduler.ts';
import type { ListenAddress } from '../../contract/config/addresses.ts';
import { isSameAddress } from '../../contract/config/own-ports.ts';
import type { SidecarConfig } from '../../contract/config/sidecar-config.ts';
import type { HttpServer, HttpServerOptions, ServeHttp } from '../../transport/http/http-server.ts';
import { healthReply } from './health-report.ts';
import { type ReportedParts, reportReply } from './status-report.ts';

const retryEveryMs = 1_000;

export interface HealthEndpointOptions {
  readonly config: SidecarConfig;
  readonly serveHttp: ServeHttp;
  readonly scheduler: Scheduler;
  readonly log: Log;
}

/** The health server and, at its own address, the status server. Each is tried again while its address is taken. */
export class HealthEndpoint {
  readonly #servers: readonly RetriedServer[];

  constructor(options: HealthEndpointOptions, parts: ReportedParts) {
    const { config } = options;
    const { healthAddress, statusAddress } = config;
    const report: HttpServerOptions['reply'] = (path) => reportReply(path, config, parts);
    const probes: HttpServerOptions['reply'] = (path) => healthReply(path, parts.sidecarLifecycle.state);
    this.#servers = isSameAddress(healthAddress, statusAddress)
      ? [new RetriedServer('health', healthAddress, report, options)]
      : [
          new RetriedServer('health', healthAddress, probes, options),
          new RetriedServer('status', statusAddress, report, options),
        ];
  }

  /** Opens both. @throws the system's error when the first attempt failed; later attempts continue in the background. */
  async open(): Promise<void> {
    const outcomes = await Promise.allSettled(this.#servers.map((server) => server.open()));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
  }
}

class RetriedServer {
  readonly #name: string;
  readonly #address: ListenAddress;
  readonly #reply: HttpServerOptions['reply'];
  readonly #options: HealthEndpointOptions;
  readonly #closing = new AbortController();
  #server: Promise<HttpServer | undefined> = Promise.resolve(undefined);

  constructor(name: string, address: ListenAddress, reply: HttpServerOptions['reply'], options: HealthEndpointOptions) {
    this.#name = name;
    this.#address = address;
    this.#reply = reply;
    this.#options = options;
  }

  async open(): Promise<void> {
    const first = this.#serve();
    this.#server = first.catch(() => this.#retry());
    await first;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await (await this.#server)?.close();
  }

  async #serve(): Promise<HttpServer> {
    const { serveHttp, scheduler, log } = this.#options;
    const server = await serveHttp({ ...this.#address, scheduler, reply: this.#reply });
    log.info(`${this.#name} server listens`, { port: server.port });
    return server;
  }

  async #retry(): Promise<HttpServer | undefined> {
    const { signal } = this.#closing;
    for (;;) {
      await sleep(this.#options.scheduler, retryEveryMs, signal);
      if (signal.aborted) return undefined;
      const server = await this.#serve().catch(() => undefined);
      if (server) return server;
    }
  }
}
