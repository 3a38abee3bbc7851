import type { TLSSocket } from 'node:tls';
import type { ServerDuplexStream, ServerUnaryCall } from '@grpc/grpc-js';
import type { ListenOptions, Peer } from '../rpc.ts';
import { RpcError } from '../status.ts';
import { certificateFault, describeFault, principalOf } from './certificate.ts';

/** The parts of a served call that identify the peer. */
export type CallFromPeer = Pick<ServerUnaryCall<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>, 'getPeer'>;

/**
 * A listener's secured connections by the client's address. A certificate is checked at the handshake and again at each call, since a
 * connection may outlive it.
 */
export class SecuredPeers {
  readonly #sockets = new Map<string, TLSSocket>();
  readonly #reported = new WeakSet<TLSSocket>();
  readonly #onRefused: ListenOptions['onRefused'];

  constructor(onRefused: ListenOptions['onRefused']) {
    this.#onRefused = onRefused;
  }

  add(socket: TLSSocket): void {
    const address = addressOf(socket);
    this.#sockets.set(address, socket);
    socket.once('close', () => {
      if (this.#sockets.get(address) === socket) this.#sockets.delete(address);
    });
    this.#faultOf(socket, address);
  }

  /** The caller's address and the name that its certificate proves. @throws RpcError UNAUTHENTICATED if it proves none. */
  peerOf(call: CallFromPeer): Peer {
    const address = call.getPeer();
    const socket = this.#sockets.get(address);
    // A call may be served after its connection is lost. It must not look like a client without a certificate.
    if (!socket) throw new RpcError('UNAUTHENTICATED', 'the connection of the caller was lost');
    const fault = this.#faultOf(socket, address);
    if (fault !== undefined) throw new RpcError('UNAUTHENTICATED', fault);
    return { address: bracketed(address), principal: provenName(socket) };
  }

  /** The problem with the client's certificate. It is reported once per connection. */
  #faultOf(socket: TLSSocket, address: string): string | undefined {
    const fault = faultOf(socket);
    if (fault === undefined) return undefined;
    const reason = `the client's ${fault}`;
    if (!this.#reported.has(socket)) this.#onRefused?.({ address: bracketed(address), reason });
    this.#reported.add(socket);
    return reason;
  }
}

/** The problem with the client's certificate. Undefined if it is valid or absent. */
function faultOf(socket: TLSSocket): string | undefined {
  const certificate = socket.getPeerCertificate();
  if (!certificate.raw) return undefined;
  if (!socket.authorized) {
    const code = String(socket.authorizationError);
    return describeFault(certificate, certificateFault(code), code);
  }
  const isExpired = Date.parse(certificate.valid_to) <= Date.now();
  return isExpired ? describeFault(certificate, 'expired', 'CERT_HAS_EXPIRED') : undefined;
}

function provenName(socket: TLSSocket): string | undefined {
  if (!socket.authorized) return undefined;
  return principalOf(socket.getPeerCertificate());
}

function addressOf(socket: TLSSocket): string {
  return `${socket.remoteAddress}:${socket.remotePort}`;
}

/** The caller on a plaintext connection, which proves nothing. */
export function plainPeerOf(call: CallFromPeer): Peer {
  return { address: bracketed(call.getPeer()), principal: undefined };
}

/** grpc-js gives an IPv6 address without the brackets that separate it from the port. */
export function bracketed(address: string): string {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon);
  return host.includes(':') && !host.startsWith('[') ? `[${host}]${address.slice(colon)}` : address;
}
