import { messageOf } from '../base/user-facing-error.ts';

/** The closed set of gRPC status codes, by name: https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
export const statusCodes = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

/** A gRPC status by name. Its number on the wire is its index in `statusCodes`. */
export type StatusCode = (typeof statusCodes)[number];

/** The problem of a message, and its status. */
export interface Fault {
  readonly code: Exclude<StatusCode, 'OK'>;
  readonly message: string;
}

/** @throws RpcError if there is a problem */
export function throwFault(fault: Fault | undefined): void {
  if (fault) throw new RpcError(fault.code, fault.message);
}

/** How a call failed: a status other than OK, a message for a person, and the trailers that came with it. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  /** The gRPC status by name. */
  readonly code: Exclude<StatusCode, 'OK'>;
  /** What the answerer added to the status; often empty. */
  readonly trailers: Metadata;

  constructor(
    code: Exclude<StatusCode, 'OK'>,
    message: string,
    options: { trailers?: Metadata; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.trailers = options.trailers ?? {};
  }

  /** Anything caught, as an RpcError. Other errors become UNKNOWN without their stack. @internal */
  static from(error: unknown): RpcError {
    if (error instanceof RpcError) return error;
    return new RpcError('UNKNOWN', messageOf(error), { cause: error });
  }
}

/** ASCII headers or trailers. Keys are lower case. */
export type Metadata = Readonly<Record<string, string>>;
