import { LimitError } from '../base/limit-error.ts';
import type { Codec } from './rpc.ts';
import { RpcError, throwFault } from './status.ts';

/** How the messages of one direction of a method are encoded and decoded, and how large they may be. */
export interface MessageFormat<T> {
  readonly path: string;
  readonly codec: Codec<T>;
  readonly maxMessageBytes: number;
}

/** @throws RpcError RESOURCE_EXHAUSTED if the message is too large to send, and any error of the codec. */
export function encodeMessage<T>(format: MessageFormat<T>, message: T): Uint8Array {
  const bytes = format.codec.encode(message);
  refuseTooLarge(format, bytes.byteLength);
  return bytes;
}

/**
 * @throws RpcError INTERNAL if the bytes are not such a message, RESOURCE_EXHAUSTED if the codec throws LimitError, and the status of a
 * problem that the codec finds in them.
 */
export function decodeMessage<T>(format: MessageFormat<T>, bytes: Uint8Array): T {
  throwFault(format.codec.faultOf?.(bytes));
  const message = decode(format, bytes);
  throwFault(format.codec.faultIn?.(message));
  return message;
}

function decode<T>(format: MessageFormat<T>, bytes: Uint8Array): T {
  try {
    return format.codec.decode(bytes);
  } catch (cause) {
    if (cause instanceof RpcError) throw cause;
    if (cause instanceof LimitError) {
      throw new RpcError('RESOURCE_EXHAUSTED', `a message of ${format.path}: ${cause.message}`, { cause });
    }
    throw undecodable(format.path, bytes.byteLength, cause);
  }
}

/** The failure of a call whose message is not what its method takes. */
export function undecodable(path: string, byteLength: number, cause: unknown): RpcError {
  return new RpcError('INTERNAL', `a message of ${path} with ${byteLength} bytes could not be decoded`, { cause });
}

/** @throws RpcError RESOURCE_EXHAUSTED naming size and limit. */
export function refuseTooLarge(format: { path: string; maxMessageBytes: number }, byteLength: number): void {
  if (byteLength <= format.maxMessageBytes) return;
  throw new RpcError(
    'RESOURCE_EXHAUSTED',
    `a message of ${format.path} has ${byteLength} bytes; at most ${format.maxMessageBytes} are allowed`,
  );
}
