import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
  type Server as TlsServer,
} from 'node:tls';
import { RpcError } from '../status.ts';

/** A bound port and the sockets that it accepted. */
export interface Acceptor {
  readonly address: string;
  /** Accepts no more sockets and frees the address. */
  shut(): void;
  dropAll(): void;
  /** Resolves once all accepted sockets are closed. */
  empty(): Promise<void>;
}

export interface SecureAcceptor extends Acceptor {
  /** Sets the certificate of new connections. Open ones keep theirs. */
  renew(context: SecureContextOptions): void;
}

/** @throws RpcError ALREADY_EXISTS if the address is taken, UNAVAILABLE if it cannot be bound for another reason. */
export function openAcceptor(address: string, { onSocket, onConnection }: AcceptorOptions): Promise<Acceptor> {
  return open(createServer(onConnection), address, onSocket);
}

export interface AcceptorOptions {
  /** Called for every socket before anything is read from it. */
  readonly onSocket: (socket: Socket) => void;
  readonly onConnection: (socket: Socket) => void;
}

export interface SecureAcceptorOptions extends Pick<AcceptorOptions, 'onSocket'> {
  readonly context: SecureContextOptions;
  readonly onConnection: (socket: TLSSocket) => void;
  /** Called for a client that did not complete the handshake. */
  readonly onHandshakeFailed: (address: string, reason: string) => void;
}

/** An acceptor that encrypts every socket. @throws RpcError as `openAcceptor` does, and errors of the context's creation. */
export async function openSecureAcceptor(address: string, options: SecureAcceptorOptions): Promise<SecureAcceptor> {
  const server: TlsServer = createTlsServer({
    ...options.context,
    ALPNProtocols: ['h2'],
    requestCert: options.context.ca !== undefined,
    // Calls are refused one by one for an invalid certificate, so that the client learns the reason.
    rejectUnauthorized: false,
  });
  server.on('secureConnection', options.onConnection);
  server.on('tlsClientError', (error, socket) => {
    options.onHandshakeFailed(`${socket.remoteAddress}:${socket.remotePort}`, error.message);
  });
  return { ...(await open(server, address, options.onSocket)), renew: (context) => server.setSecureContext(context) };
}

async function open(server: Server, address: string, onSocket: AcceptorOptions['onSocket']): Promise<Acceptor> {
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
    // HTTP/2 learns of a lost socket when it closes. Without a listener Node would throw the error.
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

/** Resolves with the bound address. Without a host, it binds every interface. */
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
