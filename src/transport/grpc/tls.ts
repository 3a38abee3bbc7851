import { type ChannelCredentials, credentials, ServerCredentials } from '@grpc/grpc-js';
import { messageOf } from '../../base/user-facing-error.ts';
import type { TlsFiles } from '../rpc.ts';
import { RpcError } from '../status.ts';

/** @throws RpcError INVALID_ARGUMENT when a text is not the PEM that it should be. */
export function clientCredentials(tls: TlsFiles | undefined): ChannelCredentials {
  if (!tls) return credentials.createInsecure();
  return checkedTls(() => credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.certificate)));
}

/** @throws RpcError INVALID_ARGUMENT when key or certificate is missing; what is in them is looked at when they are used. */
export function serverCredentials(tls: TlsFiles | undefined): ServerCredentials {
  if (!tls) return ServerCredentials.createInsecure();
  const { key, certificate } = tls;
  if (key === undefined || certificate === undefined) {
    throw new RpcError('INVALID_ARGUMENT', 'listening with TLS needs a key and a certificate');
  }
  const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(certificate) };
  return ServerCredentials.createSsl(pem(tls.ca), [pair], tls.ca !== undefined);
}

function pem(text: string | undefined): Buffer | null {
  return text === undefined ? null : Buffer.from(text);
}

/** @throws RpcError INVALID_ARGUMENT when OpenSSL refuses what `create` gives it. */
export function checkedTls<T>(create: () => T): T {
  try {
    return create();
  } catch (cause) {
    throw new RpcError('INVALID_ARGUMENT', `the TLS key or certificates cannot be used: ${messageOf(cause)}`, {
      cause,
    });
  }
}
