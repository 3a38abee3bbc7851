import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Scheduler } from '../../base/time/scheduler.ts';
import { HttpConnection } from './http-connection.ts';
import { httpLimits } from './http-limits.ts';
import { type EncodedReply, encodeReply, type HttpReply, refusal } from './http-reply.ts';
import type { RequestHead } from './request-head.ts';

export interface HttpServer {
  /** The port that was really bound. */
  readonly port: number;
  close(): Promise<void>;
}

export interface HttpServerOptions {
  readonly host: string | undefined;
  readonly port: number;
  readonly scheduler: Scheduler;
  /** Called once for all concurrent requests of a path until it resolves. */
  readonly reply: (path: string) => HttpReply | Promise<HttpReply>;
}

/** Serves HTTP/1.1 within `httpLimits`. @throws the system's error if the address cannot be bound. */
export type ServeHttp = (options: HttpServerOptions) => Promise<HttpServer>;

/**
 * Answers GET and HEAD, one request per connection. It uses sockets directly: Node's HTTP server parses all requests that it has read
 * before it answers the first, and allocates several kilobytes for each.
 */
export const serveHttp: ServeHttp = (options) =>
  new Promise((resolve, reject) => {
    const connections = new HttpConnections(options);
    const server = createServer({ allowHalfOpen: true }, (socket) => connections.accept(socket));
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      // A connection that the system could not accept.
      server.on('error', () => {});
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () => closed(server, connections),
      });
    });
  });

function closed(server: Server, connections: HttpConnections): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    connections.destroyAll();
  });
}

class HttpConnections {
  readonly #options: HttpServerOptions;
  /** Oldest first. */
  readonly #open = new Set<HttpConnection>();
  readonly #replies = new Map<string, Promise<EncodedReply>>();

  constructor(options: HttpServerOptions) {
    this.#options = options;
  }

  accept(socket: Socket): void {
    const { connections, connectionMs } = httpLimits;
    if (this.#open.size >= connections) {
      const [oldest] = this.#open;
      oldest?.cutOff(this.#encode(refusal(503, `more than ${connections} connections are open`)));
      if (oldest) this.#open.delete(oldest);
    }
    const connection = new HttpConnection(socket, (head) => void this.#answer(connection, head));
    this.#open.add(connection);
    const timer = this.#options.scheduler.setTimer(connectionMs, () => {
      connection.cutOff(this.#encode(refusal(408, `no whole request came within ${connectionMs} ms`)));
    });
    socket.once('close', () => {
      timer.cancel();
      this.#open.delete(connection);
    });
  }

  destroyAll(): void {
    for (const connection of this.#open) connection.destroy();
  }

  async #answer(connection: HttpConnection, head: RequestHead): Promise<void> {
    const reply = 'refusal' in head ? this.#encode(head.refusal) : await this.#replyTo(head.path);
    connection.answer(reply, head.isHead);
  }

  /** Never rejects. */
  #replyTo(path: string): Promise<EncodedReply> {
    const pending = this.#replies.get(path);
    if (pending) return pending;
    const reply = this.#replyOnce(path).finally(() => this.#replies.delete(path));
    this.#replies.set(path, reply);
    return reply;
  }

  async #replyOnce(path: string): Promise<EncodedReply> {
    try {
      return this.#encode(await this.#options.reply(path));
    } catch {
      return this.#encode(refusal(500, 'this could not be answered'));
    }
  }

  #encode(reply: HttpReply): EncodedReply {
    return encodeReply(reply, Number(this.#options.scheduler.wallTimeNs() / 1_000_000n));
  }
}
