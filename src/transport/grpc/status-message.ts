/**
 * Status messages in the header `grpc-message`: UTF-8, with all but printable ASCII percent-encoded.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses
 */
export function encodeStatusMessage(message: string): string {
  if (isPlain(message)) return message;
  let text = '';
  for (const byte of Buffer.from(message)) {
    const isPrintable = byte >= 0x20 && byte <= 0x7e && byte !== percent;
    text += isPrintable ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}

/** What cannot be decoded stays as it is: a call does not fail because of a message for a person. */
export function decodeStatusMessage(text: string): string {
  if (!text.includes('%')) return text;
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const hex = text.slice(at + 1, at + 3);
    const isEncoded = text.charCodeAt(at) === percent && hex.length === 2 && !Number.isNaN(Number(`0x${hex}`));
    bytes.push(isEncoded ? Number(`0x${hex}`) : text.charCodeAt(at));
    if (isEncoded) at += 2;
  }
  return Buffer.from(bytes).toString();
}

const percent = 0x25;

function isPlain(message: string): boolean {
  for (let at = 0; at < message.length; at += 1) {
    const code = message.charCodeAt(at);
    if (code < 0x20 || code > 0x7e || code === percent) return false;
  }
  return true;
}
