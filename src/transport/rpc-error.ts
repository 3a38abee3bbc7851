import { messageOf } from '../base/user-facing-error.ts';
import type { StatusCode } from './status-code.ts';

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
