import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
  type Server as TlsServer,
} from 'node:tls';
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

export interface SecureDoor extends Door {
  /** What connections from now on are shown; those that are open go on. */
  renew(context: SecureContextOptions): void;
}

/** @throws RpcError ALREADY_EXISTS when the address is taken, UNAVAILABLE when it cannot be bound for another reason. */
export function openDoor(address: string, { onSocket, welcome }: DoorOptions): Promise<Door> {
  return open(createServer(welcome), address, onSocket);
}

export interface DoorOptions {
  /** Hears of every socket before anything is read of it. */
  readonly onSocket: (socket: Socket) => void;
  readonly welcome: (socket: Socket) => void;
}

export interface SecureDoorOptions extends Pick<DoorOptions, 'onSocket'> {
  readonly context: SecureContextOptions;
  readonly welcome: (socket: TLSSocket) => void;
  /** A client that did not complete the handshake. */
  readonly turnedAway: (address: string, reason: string) => void;
}

/** A door behind which every socket is encrypted. @throws RpcError as `openDoor` does; what the context's creation throws. */
export async function openSecureDoor(address: string, options: SecureDoorOptions): Promise<SecureDoor> {
  const server: TlsServer = createTlsServer({
    ...options.context,
    ALPNProtocols: ['h2'],
    requestCert: options.context.ca !== undefined,
    // A certificate that does not hold is refused call by call, so that the client is told what is wrong with it.
    rejectUnauthorized: false,
  });
  server.on('secureConnection', options.welcome);
  server.on('tlsClientError', (error, socket) => {
    options.turnedAway(`${socket.remoteAddress}:${socket.remotePort}`, error.message);
  });
  return { ...(await open(server, address, options.onSocket)), renew: (context) => server.setSecureContext(context) };
}

async function open(server: Server, address: string, onSocket: DoorOptions['onSocket']): Promise<Door> {
  const sockets = new Set<Socket>();
  const onEmpty = new Set<() => void>();
  server.prependListener('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      if (sockets.size > 0) return;
      for (const resolve of onEmpty) resolve();
      onEmpty.clear();
    });
    // HTTP/2 sees the loss of a socket by its closing; without a listener Node would throw the error.
    socket.on('error', () => {});
    onSocket(socket);
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
