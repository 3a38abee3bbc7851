import { formatBytes } from '../../base/bytes.ts';
import { type Fault, RpcError } from '../status.ts';

/** What we understand, for the header `grpc-accept-encoding`. */
export const acceptedEncodings = 'identity,deflate,gzip';

/** Why an encoding is refused, or undefined: https://github.com/grpc/grpc/blob/master/doc/compression.md */
export function encodingProblem(encoding: string | undefined): Fault | undefined {
  if (encoding === undefined || acceptedEncodings.split(',').includes(encoding)) return undefined;
  const message = `messages compressed with "${encoding}" are not understood; ${acceptedEncodings} are`;
  return { code: 'UNIMPLEMENTED', message };
}

/**
 * A compressed message as it was. @throws RpcError RESOURCE_EXHAUSTED if it is longer than allowed, INTERNAL if it cannot be decompressed.
 */
export function decompress(bytes: Uint8Array, encoding: string | undefined, maxMessageBytes: number): Uint8Array {
  // Loaded by the first compressed message: hardly any peer sends one.
  const zlib = process.getBuiltinModule('node:zlib');
  const options = { maxOutputLength: maxMessageBytes };
  try {
    if (encoding === 'gzip') return zlib.gunzipSync(bytes, options);
    if (encoding === 'deflate') return zlib.inflateSync(bytes, options);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      const limit = formatBytes(maxMessageBytes);
      throw new RpcError(
        'RESOURCE_EXHAUSTED',
        `a message has more than ${limit} once decompressed, which is the limit`,
      );
    }
    throw new RpcError('INTERNAL', `a message that is not compressed with ${encoding}, as its call says`, { cause });
  }
  throw new RpcError('INTERNAL', 'a compressed message in a call that names no compression');
}
