import { createConnection, createServer, type Server, type Socket } from 'node:net';

/** Passes TCP on to one address until it is frozen: then every byte is kept back, and no end says that it hears nobody. */
export class FreezableProxy {
  readonly address: string;
  readonly #server: Server;
  readonly #pairs: [Socket, Socket][];

  private constructor(server: Server, pairs: [Socket, Socket][], address: string) {
    this.#server = server;
    this.#pairs = pairs;
    this.address = address;
  }

  static async to(target: string): Promise<FreezableProxy> {
    const [host = '', port = ''] = target.split(':');
    const pairs: [Socket, Socket][] = [];
    const server = createServer((near) => {
      const far = createConnection({ host, port: Number(port) });
      pairs.push([near, far]);
      for (const socket of [near, far]) socket.on('error', () => {});
      near.pipe(far);
      far.pipe(near);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const bound = server.address();
    if (bound === null || typeof bound === 'string') throw new Error('the proxy has no port');
    return new FreezableProxy(server, pairs, `127.0.0.1:${bound.port}`);
  }

  freeze(): void {
    for (const socket of this.#pairs.flat()) socket.unpipe().pause();
  }

  thaw(): void {
    for (const [near, far] of this.#pairs) {
      near.pipe(far);
      far.pipe(near);
    }
  }

  /** Ends every connection, which both ends notice. */
  close(): void {
    for (const socket of this.#pairs.flat()) socket.destroy();
    this.#server.close();
  }
}
