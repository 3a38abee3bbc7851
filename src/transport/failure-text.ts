import { messageOf } from '../base/user-facing-error.ts';

/** Why a connection failed, in one line. OpenSSL's messages contain addresses, source files and line ends. */
export function failureText(error: unknown): string {
  const isOfTls = error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_SSL');
  if (isOfTls && 'reason' in error && typeof error.reason === 'string') return `TLS failed: ${error.reason}`;
  return messageOf(error).split('\n')[0] ?? '';
}
