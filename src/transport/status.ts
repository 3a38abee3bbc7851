import { RpcError } from './rpc-error.ts';
import type { StatusCode } from './status-code.ts';

export { type Metadata, RpcError } from './rpc-error.ts';
export { type StatusCode, statusCodes } from './status-code.ts';

/** The problem of a message, and its status. */
export interface Fault {
  readonly code: Exclude<StatusCode, 'OK'>;
  readonly message: string;
}

/** @throws RpcError if there is a problem */
export function throwFault(fault: Fault | undefined): void {
  if (fault) throw new RpcError(fault.code, fault.message);
}
