import { createHash, timingSafeEqual } from 'node:crypto';
import type { CallContext } from '../../transport/rpc.ts';
import { RpcError } from '../../transport/status.ts';

/** The principal of a caller that presents no credential. */
export const anonymous = 'anonymous';

export interface CredentialRules {
  /** Principals by the SHA-256 of their bearer token, in lower-case hex. */
  readonly tokens: ReadonlyMap<string, string>;
  /** Whether a caller without a credential is refused. Otherwise it is `anonymous`. */
  readonly required: boolean;
}

/**
 * The principal of a call: the name that its client certificate proves, else that of its bearer token.
 * @throws RpcError UNAUTHENTICATED for an unknown token, and for a missing credential where one is required.
 */
export function principalOf(call: Pick<CallContext, 'peer' | 'metadata'>, rules: CredentialRules): string {
  if (call.peer.principal !== undefined) return call.peer.principal;
  const { authorization } = call.metadata;
  if (authorization !== undefined) return holderOf(authorization, rules.tokens);
  if (rules.required) {
    throw new RpcError('UNAUTHENTICATED', 'the caller presents neither a client certificate nor a bearer token');
  }
  return anonymous;
}

function holderOf(authorization: string, tokens: CredentialRules['tokens']): string {
  const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
  if (token === undefined) throw new RpcError('UNAUTHENTICATED', 'the authorization header is not a bearer token');
  const presented = createHash('sha256').update(token).digest();
  let holder: string | undefined;
  // Every hash is compared, each in constant time, so the duration reveals nothing about them.
  for (const [hash, principal] of tokens) {
    if (timingSafeEqual(presented, Buffer.from(hash, 'hex'))) holder = principal;
  }
  if (holder === undefined)
    throw new RpcError('UNAUTHENTICATED', 'the policy of this bus does not know the bearer token');
  return holder;
}
