import { PublishOutcome as Outcome, type PublishResult } from '../contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { CallFailure, type CallReply, type PublishReply } from '../contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { RpcError, statusCodes } from '../transport/status.ts';

/** How a publish ended. `unknown`: it may or may not be stored; publish again with the same dedup key to be sure. */
export type PublishOutcome =
  | { readonly outcome: 'accepted'; readonly messageId: string; readonly duplicate: boolean }
  | { readonly outcome: 'refused'; readonly reason: string }
  | { readonly outcome: 'unknown'; readonly reason: string };

/** How a request ended: answered, or one of four distinct failures. */
export type RequestOutcome =
  | { readonly outcome: 'answered'; readonly payload: Uint8Array; readonly payloadType: string }
  | { readonly outcome: 'refused' | 'no_handler' | 'timeout' | 'handler_error'; readonly detail: string };

const failureNames: Partial<Record<CallFailure, 'refused' | 'no_handler' | 'timeout' | 'handler_error'>> = {
  [CallFailure.REFUSED]: 'refused',
  [CallFailure.NO_HANDLER]: 'no_handler',
  [CallFailure.TIMEOUT]: 'timeout',
  [CallFailure.HANDLER_ERROR]: 'handler_error',
};

export function publishOutcome(reply: PublishReply): PublishOutcome {
  return reply.accepted
    ? { outcome: 'accepted', messageId: reply.messageId, duplicate: reply.duplicate }
    : { outcome: 'refused', reason: reply.refusalReason };
}

/** @throws RpcError with the status that a call of its own would have failed with */
export function streamedOutcome(result: PublishResult): PublishOutcome {
  const { outcome, messageId, duplicate, refusalReason: reason, statusCode } = result;
  if (outcome === Outcome.ACCEPTED) return { outcome: 'accepted', messageId, duplicate };
  if (outcome !== Outcome.REFUSED) return { outcome: 'unknown', reason };
  const code = statusCodes[statusCode] ?? 'UNKNOWN';
  if (code !== 'OK') throw new RpcError(code, reason);
  return { outcome: 'refused', reason };
}

export function requestOutcome(reply: CallReply): RequestOutcome {
  if (reply.ok) return { outcome: 'answered', payload: reply.payload, payloadType: reply.payloadType };
  return { outcome: failureNames[reply.failure] ?? 'handler_error', detail: reply.failureDetail };
}
