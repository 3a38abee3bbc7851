/**
 * Why a peer's certificate is not accepted. `expired` and `not-yet-valid` depend on this machine's clock. `untrusted`: no known authority
 * signed it. `wrong-host`: it was issued for another name than the one dialled.
 */
export type CertificateFault = 'expired' | 'not-yet-valid' | 'untrusted' | 'wrong-host';

/** The cause of a connect's RpcError if the server's certificate was not accepted. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
  readonly fault: CertificateFault;

  constructor(fault: CertificateFault, message: string) {
    super(message);
    this.fault = fault;
  }
}
