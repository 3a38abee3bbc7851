import type { ClientStream } from './rpc.ts';
import type { RpcError } from './status.ts';

/** A stream whose call failed before it began. */
export function failedStream<Incoming, Outgoing>(error: RpcError): ClientStream<Incoming, Outgoing> {
  return {
    write: () => 0,
    queuedBytes: 0,
    drained: () => Promise.resolve(),
    over: AbortSignal.abort(error),
    end() {},
    cancel() {},
    trailers: error.trailers,
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }),
  };
}
