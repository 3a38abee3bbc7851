import { RpcError } from './status.ts';

/** The error of a call that its caller cancels without a reason. */
export function cancelled(): RpcError {
  return new RpcError('CANCELLED', 'cancelled by the caller');
}

/** The error of a call whose signal aborts: the signal's own reason if it is an RpcError, so that a timeout is reported as one. */
export function cancellationBy(signal: AbortSignal): RpcError {
  const { reason } = signal;
  if (reason instanceof RpcError) return reason;
  const isTimeout = reason instanceof Error && reason.name === 'TimeoutError';
  return isTimeout ? new RpcError('DEADLINE_EXCEEDED', 'the caller waited no longer', { cause: reason }) : cancelled();
}
