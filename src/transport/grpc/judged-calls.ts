import {
  type Metadata as GrpcMetadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import type { ListenOptions, Peer } from '../rpc.ts';
import { failureOutcome } from '../served-call.ts';
import { RpcError } from '../status.ts';
import type { Connections } from './connections.ts';
import { fromGrpcMetadata, toGrpcCode, toGrpcMetadata } from './status.ts';

export interface JudgedCallsOptions extends Pick<ListenOptions, 'authorize' | 'connectionLimits' | 'onRefused'> {
  readonly connections: Connections;
  /** @throws RpcError UNAUTHENTICATED */
  readonly identify: (call: Pick<ServerInterceptingCallInterface, 'getPeer'>) => Peer;
}

/** A caller without a credential has no name to count connections by. */
const nobody = '';

/**
 * Authorizes each call by its headers. None of a refused call's message is read, decoded or kept.
 * https://github.com/grpc/proposal/blob/master/L112-node-server-interceptors.md
 */
export function judgedCalls(options: JudgedCallsOptions): ServerInterceptor {
  let open = 0;
  const judge = (call: ServerInterceptingCallInterface, metadata: GrpcMetadata): void => {
    const { connections, identify, authorize, connectionLimits, onRefused } = options;
    const peer = identify(call);
    const max = connectionLimits?.calls ?? Number.POSITIVE_INFINITY;
    const principal = authorize?.({ peer, metadata: fromGrpcMetadata(metadata) }) ?? nobody;
    const reason =
      open > max ? `${max} calls are open here, which is the limit` : connections.proven(call.getPeer(), principal);
    if (reason === undefined) return;
    onRefused?.({ address: peer.address, reason });
    throw new RpcError('RESOURCE_EXHAUSTED', reason);
  };
  return (_method, call) =>
    new ServerInterceptingCall(call, {
      start(next) {
        open += 1;
        next({
          onReceiveMetadata(metadata, pass) {
            try {
              judge(call, metadata);
            } catch (error) {
              const { code, message, trailers } = failureOutcome(RpcError.from(error));
              call.sendStatus({ code: toGrpcCode(code), details: message, metadata: toGrpcMetadata(trailers) });
              return;
            }
            pass(metadata);
          },
          // Called at the end of every call.
          onCancel() {
            open -= 1;
          },
        });
      },
    });
}
