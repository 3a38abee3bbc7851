import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { RpcError } from '../status.ts';

/** A bound port and the sockets that came in by it. */
export interface Door {
  readonly address: string;
  /** Lets nobody else in, and frees the address. */
  shut(): void;
  dropAll(): void;
  /** Resolves once nobody who came in is left. */
  empty(): Promise<void>;
}

/** @throws RpcError ALREADY_EXISTS when the address is taken, UNAVAILABLE when it cannot be bound for another reason. */
export async function openDoor(address: string, welcome: (socket: Socket) => void): Promise<Door> {
  const sockets = new Set<Socket>();
  const onEmpty = new Set<() => void>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      if (sockets.size > 0) return;
      for (const resolve of onEmpty) resolve();
      onEmpty.clear();
    });
    // HTTP/2 sees the loss of a socket by its closing; without a listener Node would throw the error.
    socket.on('error', () => {});
    welcome(socket);
  });
  return {
    address: await bind(server, address),
    shut: () => void server.close(),
    dropAll() {
      for (const socket of sockets) socket.destroy();
    },
    async empty() {
      if (sockets.size > 0) await new Promise<void>((resolve) => onEmpty.add(resolve));
    },
  };
}

/** Resolves with the address that was bound; without a host, it is every interface's. */
function bind(server: Server, address: string): Promise<string> {
  const { host, port } = splitAddress(address);
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      const fact = `${address} ${taken ? 'is taken' : 'cannot be bound'}: ${error.message}`;
      reject(new RpcError(taken ? 'ALREADY_EXISTS' : 'UNAVAILABLE', fact, { cause: error }));
    });
    server.listen({ port, ...(host === '' ? {} : { host }) }, () => {
      const bound = server.address() as AddressInfo;
      const boundHost = host === '' ? bound.address : host;
      resolve(`${boundHost.includes(':') ? `[${boundHost}]` : boundHost}:${bound.port}`);
    });
  });
}

function splitAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) throw new RpcError('UNAVAILABLE', `${address} cannot be bound: it is not host:port`);
  return { host: match[1] ?? match[2] ?? '', port };
}
