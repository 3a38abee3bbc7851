import type { Log } from '../../base/log/log.ts';
import { isLoopbackAddress } from '../../base/loopback.ts';
import type { Scheduler, Timer } from '../../base/time/scheduler.ts';
import { watchChanges } from '../../base/time/watch-changes.ts';
import { messageOf } from '../../base/user-facing-error.ts';
import { clientCertificateFault, type Lifetime, lifetimeOfPem } from '../../contract/config/bus/client-certificate.ts';
import type { ConnectOptions, TlsFiles } from '../../transport/rpc.ts';
import { RpcError } from '../../transport/status.ts';

/** What authenticates this sidecar, and what it trusts. Without `tls` the connection is plaintext. */
export interface Credential {
  readonly tls?: TlsFiles;
  readonly token?: string;
  /** Where the client certificate comes from, for messages; absent: SIDECAR_BUS_CERTIFICATE. */
  readonly certificateOrigin?: string;
}

export function connectOptionsOf({ tls, token }: Credential): Pick<ConnectOptions, 'tls' | 'metadata'> {
  return { ...(tls && { tls }), ...(token !== undefined && { metadata: { authorization: `Bearer ${token}` } }) };
}

/** The cause of an RpcError when this sidecar's own credential cannot be used, so that no connection was tried. */
export class CredentialError extends Error {
  override readonly name = 'CredentialError';
}

export interface BusCredentialOptions {
  readonly read: () => Promise<Credential>;
  /** The bus, each as `host:port`. */
  readonly addresses: readonly string[];
  readonly scheduler: Scheduler;
  readonly log: Log;
  /** The certificate of the open connection expires soon, and a newer one exists: connect again. */
  readonly onRenewalDue: () => void;
}

/** A connection is replaced in the last tenth of its certificate's life, within these bounds. */
const marginMs = { least: 5_000, most: 300_000 };

/**
 * The credential for the bus, read again for every connection. While a connection is open its files are checked. A change does
 * not affect the session, unless the certificate that opened the connection expires soon.
 */
export class BusCredential {
  readonly #options: BusCredentialOptions;
  #inUse: Credential = {};
  #watch: Timer | undefined;
  #isClosed = false;
  #hasWarnedOfEnd = false;
  #hasWarnedOfPlaintext = false;

  constructor(options: BusCredentialOptions) {
    this.#options = options;
  }

  /** @throws RpcError UNAVAILABLE with a CredentialError as its cause. */
  async forConnection(): Promise<Credential> {
    const credential = await this.#read();
    const fault = this.#faultOf(credential);
    if (fault !== undefined) throw unusable(fault);
    this.#warnOfPlaintext(credential);
    this.#inUse = credential;
    this.#hasWarnedOfEnd = false;
    this.#watchFor(credential);
    return credential;
  }

  close(): void {
    this.#isClosed = true;
    this.#watch?.cancel();
  }

  async #read(): Promise<Credential> {
    try {
      return await this.#options.read();
    } catch (error) {
      throw unusable(`a file of the credential for the bus cannot be read: ${messageOf(error)}`);
    }
  }

  #faultOf({ tls, certificateOrigin }: Credential): string | undefined {
    return tls?.certificate === undefined
      ? undefined
      : clientCertificateFault(tls.certificate, tls.key, this.#wallTimeMs(), certificateOrigin);
  }

  #watchFor(credential: Credential): void {
    const { scheduler, log } = this.#options;
    this.#watch?.cancel();
    // A connection may still be in progress when the sidecar ends.
    if (this.#isClosed) return;
    if (!credential.tls && credential.token === undefined) return;
    this.#watch = watchChanges<Credential>({
      scheduler,
      initial: credential,
      read: this.#options.read,
      use: () => log.info('the credential for the bus changed; the next connection uses it'),
      // The next connection needs the files, and reports when they cannot be read.
      onUnusable: () => {},
      onLook: (found) => this.#renewIfEnding(found),
    });
  }

  #renewIfEnding(found: Credential): void {
    const life = this.#inUse.tls?.certificate === undefined ? undefined : lifetimeOfPem(this.#inUse.tls.certificate);
    if (life && this.#isEnding(life)) this.#renew(found, life);
  }

  #isEnding({ fromMs, toMs }: Lifetime): boolean {
    const margin = Math.min(marginMs.most, Math.max(marginMs.least, (toMs - fromMs) / 10));
    return this.#wallTimeMs() >= toMs - margin;
  }

  #renew(found: Credential, { toMs }: Lifetime): void {
    const { log, onRenewalDue } = this.#options;
    const endsAt = new Date(toMs).toISOString();
    const isNewer = found.tls?.certificate !== this.#inUse.tls?.certificate && this.#faultOf(found) === undefined;
    if (isNewer) {
      log.info('connecting to the bus again: the certificate of this connection ends', { endsAt });
      this.#inUse = {};
      onRenewalDue();
    } else if (!this.#hasWarnedOfEnd) {
      log.warn('the certificate for the bus ends, and there is no newer one', { endsAt });
      this.#hasWarnedOfEnd = true;
    }
  }

  #warnOfPlaintext({ tls, token }: Credential): void {
    const { addresses, log } = this.#options;
    if (this.#hasWarnedOfPlaintext || token === undefined || tls || addresses.every(isLoopbackAddress)) return;
    this.#hasWarnedOfPlaintext = true;
    log.warn('the token for the bus travels unencrypted; set SIDECAR_BUS_CA or an https:// address', {
      address: addresses.join(','),
    });
  }

  #wallTimeMs(): number {
    return Number(this.#options.scheduler.wallTimeNs() / 1_000_000n);
  }
}

function unusable(reason: string): RpcError {
  return new RpcError('UNAVAILABLE', reason, { cause: new CredentialError(reason) });
}
