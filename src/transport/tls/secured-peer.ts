import type { PeerCertificate, TLSSocket } from 'node:tls';
import { certificateFault, describeFault, principalOf } from './certificate.ts';

/** The client of a secured connection, by the certificate that it showed at the handshake. Reading that once is enough. */
export class SecuredPeer {
  /** The name that the certificate proves. Undefined without a certificate. */
  readonly principal: string | undefined;
  readonly #fault: string | undefined;
  readonly #certificate: PeerCertificate | undefined;
  readonly #expiresAtMs: number;

  constructor(socket: TLSSocket) {
    const certificate = socket.getPeerCertificate();
    const isPresent = certificate.raw !== undefined;
    this.#certificate = isPresent ? certificate : undefined;
    this.#expiresAtMs = isPresent ? Date.parse(certificate.valid_to) : Number.POSITIVE_INFINITY;
    this.#fault = isPresent && !socket.authorized ? faultOf(certificate, String(socket.authorizationError)) : undefined;
    this.principal = isPresent && socket.authorized ? principalOf(certificate) : undefined;
  }

  /** The problem with the certificate now: a connection may outlive it. Undefined if it is valid or absent. */
  faultAt(wallTimeMs: number): string | undefined {
    if (this.#fault !== undefined || !this.#certificate) return this.#fault;
    return this.#expiresAtMs <= wallTimeMs ? faultOf(this.#certificate, 'CERT_HAS_EXPIRED') : undefined;
  }
}

function faultOf(certificate: PeerCertificate, code: string): string {
  return `the client's ${describeFault(certificate, certificateFault(code), code)}`;
}
