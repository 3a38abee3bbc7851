import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A way from one server to another, on which bytes can be held. Nobody is told, as when a switch fails. */
class Link {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;
  target = 0;

  private constructor() {
    this.#server = createServer({ pauseOnConnect: true }, (near) => {
      const far = connect(this.target, '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.on('data', (chunk) => to.write(chunk));
        from.on('error', () => to.destroy());
        from.on('close', () => {
          this.#sockets.delete(from);
          to.destroy();
        });
        if (this.#isCut) from.pause();
        else from.resume();
      }
    });
  }

  static async open(): Promise<Link> {
    const link = new Link();
    link.#server.listen(0, '127.0.0.1');
    await once(link.#server, 'listening');
    return link;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  cut(isCut: boolean): void {
    this.#isCut = isCut;
    for (const socket of this.#sockets)
      if (isCut) socket.pause();
      else socket.resume();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** The links of a cluster, one for each direction of each pair. */
export class CutLinks {
  readonly #links: readonly (readonly Link[])[];

  private constructor(links: readonly (readonly Link[])[]) {
    this.#links = links;
  }

  static async open(servers: number): Promise<CutLinks> {
    const row = (): Promise<Link[]> => Promise.all(Array.from({ length: servers }, () => Link.open()));
    return new CutLinks(await Promise.all(Array.from({ length: servers }, row)));
  }

  /** The ports at which a server finds the others. */
  readonly routesOf = (index: number, ports: readonly number[]): readonly number[] =>
    ports.flatMap((port, other) => {
      const link = this.#links[index]?.[other];
      if (!link || other === index) return [];
      link.target = port;
      return link.port;
    });

  /** Cuts a server off from all others, or joins it again. Clients still reach it. */
  cut(server: number, isCut: boolean): void {
    for (const [from, links] of this.#links.entries()) {
      for (const [to, link] of links.entries()) if (from === server || to === server) link.cut(isCut);
    }
  }

  close(): void {
    for (const link of this.#links.flat()) link.close();
  }
}
