import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import { connect, createSecureContext, type SecureContext } from 'node:tls';
import { CallCredentials, ChannelCredentials, credentials } from '@grpc/grpc-js';
import { CertificateError } from '../certificate-error.ts';
import type { TlsFiles } from '../rpc.ts';
import { certificateFault, describeFault } from './certificate.ts';
import { checkedTls } from './tls.ts';

type SecureConnector = ReturnType<ChannelCredentials['_createSecureConnector']>;

/** @throws RpcError INVALID_ARGUMENT when a text is not the PEM that it should be. */
export function clientCredentials(tls: TlsFiles | undefined, host: string): ChannelCredentials {
  if (!tls) return credentials.createInsecure();
  return new TlsClientCredentials(tls, host);
}

/**
 * TLS as grpc-js would do it, but for two things: the reason of a refusal is kept, which the library reduces to a code, and
 * no server name is sent for an IP address, which RFC 6066 §3 forbids and Node warns of (DEP0123).
 */
export class TlsClientCredentials extends ChannelCredentials {
  readonly #context: SecureContext;
  readonly #host: string;
  #refusal: CertificateError | undefined;

  constructor(tls: TlsFiles, host: string) {
    super();
    this.#context = checkedTls(() => createSecureContext({ ca: tls.ca, cert: tls.certificate, key: tls.key }));
    this.#host = host;
  }

  /** Why the server's certificate was not accepted, once a handshake ended by that. */
  get refusal(): CertificateError | undefined {
    return this.#refusal;
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(
    ...[, , callCredentials]: Parameters<ChannelCredentials['_createSecureConnector']>
  ): SecureConnector {
    return {
      connect: async (socket) => ({ socket: await this.#handshake(socket), secure: true }),
      waitForReady: async () => {},
      getCallCredentials: () => callCredentials ?? CallCredentials.createEmpty(),
      destroy() {},
    };
  }

  #handshake(socket: Socket): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const secured = connect({
        socket,
        secureContext: this.#context,
        host: this.#host,
        servername: isIP(this.#host) === 0 ? this.#host : '',
        ALPNProtocols: ['h2'],
        // Refused below instead, while its certificate can still be read.
        rejectUnauthorized: false,
      });
      secured.once('error', reject);
      secured.once('secureConnect', () => {
        if (secured.authorized) return resolve(secured);
        const code = String(secured.authorizationError);
        const fault = certificateFault(code);
        this.#refusal = new CertificateError(fault, `its ${describeFault(secured.getPeerCertificate(), fault, code)}`);
        secured.destroy(this.#refusal);
      });
    });
  }
}
