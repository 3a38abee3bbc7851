import type { SecureContext, SecureContextOptions } from 'node:tls';
import { messageOf } from '../../base/user-facing-error.ts';
import type { TlsFiles } from '../rpc.ts';
import { RpcError } from '../status.ts';

/** Node's TLS, loaded when the first connection needs it: it takes 6 MB and 50 ms. */
export function nodeTls(): typeof import('node:tls') {
  return process.getBuiltinModule('node:tls');
}

/**
 * The certificate that a listener presents and the CA that it trusts. @throws RpcError INVALID_ARGUMENT if key or certificate is missing,
 * or OpenSSL refuses a text.
 */
export function serverContext(tls: TlsFiles): SecureContextOptions {
  const { ca, certificate, key } = tls;
  if (key === undefined || certificate === undefined) {
    throw new RpcError('INVALID_ARGUMENT', 'listening with TLS needs a key and a certificate');
  }
  const context = { ca, cert: certificate, key };
  checkedContext(context);
  return context;
}

/** @throws RpcError INVALID_ARGUMENT if OpenSSL refuses a text */
export function clientContext({ ca, certificate, key }: TlsFiles): SecureContext {
  return checkedContext({ ca, cert: certificate, key });
}

function checkedContext(options: SecureContextOptions): SecureContext {
  try {
    return nodeTls().createSecureContext(options);
  } catch (cause) {
    throw new RpcError('INVALID_ARGUMENT', `the TLS key or certificates cannot be used: ${messageOf(cause)}`, {
      cause,
    });
  }
}
