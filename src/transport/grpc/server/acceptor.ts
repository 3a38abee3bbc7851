import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { http2Limits } from '../../http2/limits.ts';
import { RpcError } from '../../status.ts';
import { nodeTls } from '../../tls/tls-context.ts';
import { addressOf } from '../peer-address.ts';

/** A bound port and the sockets that it accepted. */
export interface Acceptor {
  readonly address: string;
  /** Accepts no more sockets and frees the address. */
  shut(): void;
  /** Resolves once all accepted sockets are closed. */
  empty(): Promise<void>;
  /** Closes all sockets at once. */
  dropAll(): void;
  /** Sets the certificate of new connections. Open ones keep theirs. Without TLS it does nothing. */
  renew(context: SecureContextOptions): void;
}

export interface AcceptorOptions {
  /** Absent: plaintext. */
  readonly context: SecureContextOptions | undefined;
  /** Called for every socket before anything is read from it. */
  readonly onSocket: (socket: Socket) => void;
  /** Called with a socket that HTTP/2 can be spoken on, secured or plain. */
  readonly onConnection: (socket: Socket | TLSSocket) => void;
  /** Called for a client that did not complete the handshake. */
  readonly onHandshakeFailed: (address: string, reason: string) => void;
}

/**
 * Binds an address. @throws RpcError ALREADY_EXISTS if the address is taken, UNAVAILABLE if it cannot be bound for another reason.
 */
export async function openAcceptor(address: string, options: AcceptorOptions): Promise<Acceptor> {
  const { context, onConnection } = options;
  if (!context) return { ...(await open(createServer(onConnection), address, options)), renew() {} };
  const server = nodeTls().createServer({
    ...context,
    ALPNProtocols: ['h2'],
    requestCert: context.ca !== undefined,
    handshakeTimeout: http2Limits.prefaceTimeoutMs,
    // Calls are refused one by one for an invalid certificate, so that the client learns the reason.
    rejectUnauthorized: false,
  });
  server.on('secureConnection', onConnection);
  server.on('tlsClientError', (error, socket) => options.onHandshakeFailed(addressOf(socket), error.message));
  return { ...(await open(server, address, options)), renew: (renewed) => server.setSecureContext(renewed) };
}

async function open(server: Server, address: string, { onSocket }: AcceptorOptions): Promise<Omit<Acceptor, 'renew'>> {
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
