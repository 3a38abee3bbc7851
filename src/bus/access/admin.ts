import type { CallContext, Peer } from '../../transport/rpc.ts';
import { RpcError } from '../../transport/status.ts';
import { globMatches, type Policy } from './policy.ts';
import { anonymous } from './principal.ts';

/** The administrator who calls. @throws RpcError UNAUTHENTICATED, PERMISSION_DENIED */
export type RequireAdmin = (call: Pick<CallContext, 'peer' | 'metadata'>) => string;

/** The principal of a caller whom the policy names as an administrator. @throws RpcError PERMISSION_DENIED */
export function adminOf({ admins = [] }: Policy, peer: Peer): string {
  const principal = peer.principal ?? anonymous;
  if (globMatches(admins, principal)) return principal;
  const given = admins.length > 0 ? `its \`admins\` are ${admins.join(', ')}` : 'it has no `admins`';
  throw new RpcError(
    'PERMISSION_DENIED',
    `principal "${principal}" is not named by the \`admins\` of the bus's policy: ${given}`,
  );
}
