import { createConnection, createServer, type Server, type Socket } from 'node:net';

/** Passes TCP on to one address until it is frozen: then every byte is kept back, and no end says that it hears nobody. */
export class FreezableProxy {
  readonly address: string;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, sockets: Set<Socket>, address: string) {
    this.#server = server;
    this.#sockets = sockets;
    this.address = address;
  }

  static async to(target: string): Promise<FreezableProxy> {
    const [host = '', port = ''] = target.split(':');
    const sockets = new Set<Socket>();
    const server = createServer((near) => {
      const far = createConnection({ host, port: Number(port) });
      for (const socket of [near, far]) {
        sockets.add(socket);
        socket.on('error', () => {});
      }
      near.pipe(far);
      far.pipe(near);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const bound = server.address();
    if (bound === null || typeof bound === 'string') throw new Error('the proxy has no port');
    return new FreezableProxy(server, sockets, `127.0.0.1:${bound.port}`);
  }

  freeze(): void {
    for (const socket of this.#sockets) socket.unpipe();
    for (const socket of this.#sockets) socket.pause();
  }

  /** Ends every connection, which both ends notice. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
