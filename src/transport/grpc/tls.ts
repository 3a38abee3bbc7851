import type { SecureContextOptions } from 'node:tls';
import { messageOf } from '../../base/user-facing-error.ts';
import type { TlsFiles } from '../rpc.ts';
import { RpcError } from '../status.ts';

/**
 * The certificate that a listener presents and the CA that it trusts. @throws RpcError INVALID_ARGUMENT if key or certificate is missing.
 */
export function serverContext(tls: TlsFiles): SecureContextOptions {
  const { ca, certificate, key } = tls;
  if (key === undefined || certificate === undefined) {
    throw new RpcError('INVALID_ARGUMENT', 'listening with TLS needs a key and a certificate');
  }
  return { ca, cert: certificate, key };
}

/** @throws RpcError INVALID_ARGUMENT if OpenSSL refuses the input of `create`. */
export function checkedTls<T>(create: () => T): T {
  try {
    return create();
  } catch (cause) {
    throw new RpcError('INVALID_ARGUMENT', `the TLS key or certificates cannot be used: ${messageOf(cause)}`, {
      cause,
    });
  }
}
