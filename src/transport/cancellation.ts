import { RpcError } from './status.ts';

/** How a call ends that its caller cancels without a reason. */
export function cancelled(): RpcError {
  return new RpcError('CANCELLED', 'cancelled by the caller');
}

/** How a call ends whose signal aborts: with the signal's own reason where it is one, so that a timeout is told as a timeout. */
export function cancellationBy(signal: AbortSignal): RpcError {
  const { reason } = signal;
  if (reason instanceof RpcError) return reason;
  const isTimeout = reason instanceof Error && reason.name === 'TimeoutError';
  return isTimeout ? new RpcError('DEADLINE_EXCEEDED', 'the caller waited no longer', { cause: reason }) : cancelled();
}
