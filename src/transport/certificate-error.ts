/**
 * What keeps a peer's certificate from being accepted. `expired` and `not-yet-valid` are judged by this machine's clock;
 * `untrusted` is one that no known authority signed, `wrong-host` one that was issued for another name than the one dialled.
 */
export type CertificateFault = 'expired' | 'not-yet-valid' | 'untrusted' | 'wrong-host';

/** The cause of the RpcError of a connection that was not made because the server's certificate was not accepted. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
  readonly fault: CertificateFault;

  constructor(fault: CertificateFault, message: string) {
    super(message);
    this.fault = fault;
  }
}
