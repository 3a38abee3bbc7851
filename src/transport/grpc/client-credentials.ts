import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import { connect, createSecureContext, type SecureContext } from 'node:tls';
import { CallCredentials, ChannelCredentials } from '@grpc/grpc-js';
import { CertificateError } from '../certificate-error.ts';
import { openTunnel } from '../http-tunnel.ts';
import type { ConnectOptions, ProxyServer } from '../rpc.ts';
import { certificateFault, describeFault } from './certificate.ts';
import { checkedTls } from './tls.ts';

type SecureConnector = ReturnType<ChannelCredentials['_createSecureConnector']>;

/**
 * Prepares a new socket for HTTP/2: opens the proxy's tunnel, then TLS. grpc-js could do both, but it drops the reason of a refusal, and
 * sends a server name for an IP address, which RFC 6066 §3 forbids (Node: DEP0123).
 */
export class ClientCredentials extends ChannelCredentials {
  readonly #address: string;
  readonly #context: SecureContext | undefined;
  readonly #proxy: ProxyServer | undefined;
  /** The outermost socket: under TLS the raw one must not be touched. */
  #socket: Socket | undefined;
  #failure: Error | undefined;
  #hasTunnel = false;
  #isAbandoned = false;

  /** @throws RpcError INVALID_ARGUMENT if a text is not valid PEM of its kind. */
  constructor(address: string, { tls, proxy }: Pick<ConnectOptions, 'tls' | 'proxy'>) {
    super();
    this.#address = address;
    this.#context = tls && checkedTls(() => createSecureContext({ ca: tls.ca, cert: tls.certificate, key: tls.key }));
    this.#proxy = proxy;
  }

  /** Why the last socket could not be used. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** The proxy has opened its tunnel. */
  get hasTunnel(): boolean {
    return this.#hasTunnel;
  }

  /** Refuses later sockets: the library may still open one for an attempt that it had planned. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#socket?.destroy();
  }

  override _isSecure(): boolean {
    return this.#context !== undefined;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(
    ...[, , callCredentials]: Parameters<ChannelCredentials['_createSecureConnector']>
  ): SecureConnector {
    return {
      connect: async (socket) => ({ socket: await this.#prepare(socket), secure: this._isSecure() }),
      waitForReady: async () => {},
      getCallCredentials: () => callCredentials ?? CallCredentials.createEmpty(),
      destroy() {},
    };
  }

  async #prepare(socket: Socket): Promise<Socket> {
    this.#socket = socket;
    try {
      if (this.#isAbandoned) throw new Error('nothing waits for this connection');
      if (this.#proxy) await openTunnel(socket, this.#address, this.#proxy);
      this.#hasTunnel = this.#proxy !== undefined;
      return this.#context ? await this.#handshake(socket, this.#context) : socket;
    } catch (error) {
      this.#failure = error as Error;
      this.#socket.destroy();
      throw error;
    }
  }

  #handshake(socket: Socket, secureContext: SecureContext): Promise<Socket> {
    const host = hostOf(this.#address);
    return new Promise((resolve, reject) => {
      const secured = connect({
        socket,
        secureContext,
        host,
        servername: isIP(host) === 0 ? host : '',
        ALPNProtocols: ['h2'],
        // Refused below instead, while the certificate can still be read.
        rejectUnauthorized: false,
      });
      this.#socket = secured;
      secured.once('error', reject);
      secured.once('secureConnect', () => {
        if (secured.authorized) return resolve(secured);
        const code = String(secured.authorizationError);
        const fault = certificateFault(code);
        secured.destroy(new CertificateError(fault, `its ${describeFault(secured.getPeerCertificate(), fault, code)}`));
      });
    });
  }
}

/** The host that the server's certificate must be issued for, without the brackets of an IPv6 address. */
function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
}
