import { connect as connectSocket, isIP, type Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { openTunnel } from '../../http-tunnel.ts';
import type { ConnectOptions } from '../../rpc.ts';
import { certificateFault, describeFault } from '../../tls/certificate.ts';
import { CertificateError } from '../../tls/certificate-error.ts';
import { clientContext, nodeTls } from '../../tls/tls-context.ts';

/** How far an attempt came. */
export type DialStep = 'socket' | 'tunnel' | 'handshake' | 'ready';

/** One attempt to open a socket that HTTP/2 can be spoken on: through a proxy's tunnel and TLS, if the options say so. */
export class Dial {
  readonly #host: string;
  readonly #port: number;
  readonly #options: Pick<ConnectOptions, 'tls' | 'proxy'>;
  readonly #context: SecureContext | undefined;
  #step: DialStep = 'socket';
  /** The outermost socket: under TLS the raw one must not be touched. */
  #socket: Socket | undefined;

  /** @throws RpcError INVALID_ARGUMENT if a text is not valid PEM of its kind. */
  constructor(address: string, options: Pick<ConnectOptions, 'tls' | 'proxy'>) {
    const colon = address.lastIndexOf(':');
    this.#host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
    this.#port = Number(address.slice(colon + 1));
    this.#options = options;
    this.#context = options.tls && clientContext(options.tls);
  }

  /** The proxy has opened its tunnel. */
  get isThroughProxy(): boolean {
    return this.#options.proxy !== undefined && this.#step !== 'socket' && this.#step !== 'tunnel';
  }

  /** @throws Error of the step that failed: a ProxyError, a CertificateError, or what the socket said */
  async socket(target: string): Promise<Socket> {
    const { proxy } = this.#options;
    const socket = await this.#connect(proxy ?? { host: this.#host, port: this.#port });
    if (proxy) {
      this.#step = 'tunnel';
      await openTunnel(socket, target, proxy);
    }
    this.#step = 'handshake';
    const secured = this.#context ? await this.#handshake(socket, this.#context) : socket;
    this.#step = 'ready';
    return secured;
  }

  /** Gives the attempt up. */
  abandon(): void {
    this.#socket?.destroy();
  }

  #connect({ host, port }: { host: string; port: number }): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connectSocket({ host, port, noDelay: true });
      this.#socket = socket;
      socket.once('connect', () => resolve(socket));
      socket.once('error', reject);
      // An attempt that was given up has no other error.
      socket.once('close', () => reject(new Error('the connection was closed')));
    });
  }

  #handshake(socket: Socket, secureContext: SecureContext): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const secured = nodeTls().connect({
        socket,
        secureContext,
        host: this.#host,
        // A server name is never an address: https://www.rfc-editor.org/rfc/rfc6066#section-3
        servername: isIP(this.#host) === 0 ? this.#host : '',
        ALPNProtocols: ['h2'],
        // Refused below instead, while the certificate can still be read.
        rejectUnauthorized: false,
      });
      this.#socket = secured;
      secured.once('error', reject);
      secured.once('close', () => reject(new Error('the connection was closed before the TLS handshake was over')));
      secured.once('secureConnect', () => {
        if (secured.authorized) return resolve(secured);
        const code = String(secured.authorizationError);
        const fault = certificateFault(code);
        secured.destroy(new CertificateError(fault, `its ${describeFault(secured.getPeerCertificate(), fault, code)}`));
      });
    });
  }
}
