import type { Log } from '../../base/log/log.ts';
import { isLoopbackAddress } from '../../base/loopback.ts';
import { every, type Scheduler, type Timer } from '../../base/time/scheduler.ts';
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
  /** The bus, as `host:port`. */
  readonly address: string;
  readonly scheduler: Scheduler;
  readonly log: Log;
  /** The certificate of the open connection expires soon, and a newer one exists: connect again. */
  readonly onRenewalDue: () => void;
}

const lookEveryMs = 1_000;
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
  #lastSeen = '';
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
    this.#lastSeen = JSON.stringify(credential);
    this.#hasWarnedOfEnd = false;
    if (credential.tls || credential.token !== undefined) {
      this.#watch ??= every(this.#options.scheduler, lookEveryMs, () => void this.#look());
    }
    return credential;
  }

  close(): void {
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

  async #look(): Promise<void> {
    // The next connection needs the file, and reports when it cannot be read.
    const found = await this.#read().catch(() => undefined);
    if (!found) return;
    const text = JSON.stringify(found);
    if (text !== this.#lastSeen)
      this.#options.log.info('the credential for the bus changed; the next connection uses it');
    this.#lastSeen = text;
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
    const { address, log } = this.#options;
    if (this.#hasWarnedOfPlaintext || token === undefined || tls || isLoopbackAddress(address)) return;
    this.#hasWarnedOfPlaintext = true;
    log.warn('the token for the bus travels unencrypted; set SIDECAR_BUS_CA or an https:// address', { address });
  }

  #wallTimeMs(): number {
    return Number(this.#options.scheduler.wallTimeNs() / 1_000_000n);
  }
}

function unusable(reason: string): RpcError {
  return new RpcError('UNAVAILABLE', reason, { cause: new CredentialError(reason) });
}
