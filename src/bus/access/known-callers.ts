import type { CallContext, Peer } from '../../transport/rpc.ts';
import { RpcError } from '../../transport/status.ts';

/** The caller, with the principal that its credential proves. @throws RpcError UNAUTHENTICATED */
export type Identify = (call: Pick<CallContext, 'peer' | 'metadata'>) => Peer;

/** The callers of long calls. A call ends once its caller's credential no longer proves the same principal. */
export class KnownCallers {
  readonly #identify: Identify;
  readonly #open = new Map<
    CallContext,
    { readonly principal: string | undefined; readonly end: (reason: unknown) => void }
  >();

  constructor(identify: Identify) {
    this.#identify = identify;
  }

  /** Serves the call while its caller is known. @throws RpcError UNAUTHENTICATED once it is not. */
  async serve(call: CallContext, work: (peer: Peer) => Promise<void>): Promise<void> {
    const peer = this.#identify(call);
    const unknown = Promise.withResolvers<never>();
    this.#open.set(call, { principal: peer.principal, end: unknown.reject });
    try {
      await Promise.race([work(peer), unknown.promise]);
    } finally {
      this.#open.delete(call);
    }
  }

  /** Ends the calls of unknown callers. Call it after credentials have changed. */
  check(): void {
    for (const [call, { principal, end }] of this.#open) {
      try {
        if (this.#identify(call).principal === principal) continue;
        end(new RpcError('UNAUTHENTICATED', 'the credential belongs to another principal now'));
      } catch (error) {
        end(error);
      }
    }
  }
}
