// gRPC puts a byte that says whether it is compressed, and its length, before each message:
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests

export function framed(message: Uint8Array, isCompressed = false): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(isCompressed ? 1 : 0);
  prefix.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([prefix, message]);
}

/** The messages of a body, as they come. */
export async function* messagesOf(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer, undefined> {
  let chunks: Buffer[] = [];
  let byteLength = 0;
  let needed = 5;
  for await (const chunk of body) {
    chunks.push(chunk);
    byteLength += chunk.byteLength;
    while (byteLength >= needed) {
      const bytes = Buffer.concat(chunks);
      const end = 5 + bytes.readUInt32BE(1);
      const rest = bytes.subarray(byteLength < end ? 0 : end);
      if (byteLength >= end) yield bytes.subarray(5, end);
      chunks = [rest];
      byteLength = rest.byteLength;
      needed = byteLength < 5 ? 5 : 5 + rest.readUInt32BE(1);
    }
  }
  return undefined;
}
