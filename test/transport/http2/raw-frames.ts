/**
 * Frames and header blocks made by hand, valid or not, and read without any opinion: what a peer in tests sends and sees.
 * It shares no code with `src/transport`. RFC 9113 has the frames, RFC 7541 the header blocks.
 */

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** https://www.rfc-editor.org/rfc/rfc9113#name-frame-definitions */
export const types = {
  ...{ data: 0, headers: 1, priority: 2, reset: 3, settings: 4 },
  ...{ pushPromise: 5, ping: 6, goAway: 7, windowUpdate: 8, continuation: 9 },
} as const;
export const flags = { ack: 1, endStream: 1, endHeaders: 4, padded: 8, priority: 32 } as const;
/** https://www.rfc-editor.org/rfc/rfc9113#name-defined-settings */
export const settingIds = {
  ...{ headerTableSize: 1, enablePush: 2, maxConcurrentStreams: 3 },
  ...{ initialWindowSize: 4, maxFrameSize: 5, maxHeaderListSize: 6 },
} as const;
/** https://www.rfc-editor.org/rfc/rfc9113#name-error-codes */
export const errorCodes = {
  ...{ noError: 0, protocolError: 1, internalError: 2, flowControlError: 3, settingsTimeout: 4 },
  ...{ streamClosed: 5, frameSizeError: 6, refusedStream: 7, cancel: 8, compressionError: 9 },
  ...{ connectError: 10, enhanceYourCalm: 11, inadequateSecurity: 12, http11Required: 13 },
} as const;

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const headBytes = 9;
const none = Buffer.alloc(0);

/** Any frame at all. `length` is what its head says when that is not the payload's. */
export function frame(
  type: number,
  { flags: set = 0, streamId = 0, payload = none, length = payload.length }: Partial<Frame> & { length?: number } = {},
): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUIntBE(length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(set, 4);
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

export function settings(values: Partial<Record<keyof typeof settingIds, number>> = {}): Buffer {
  const names = Object.keys(values) as (keyof typeof settingIds)[];
  const payload = Buffer.concat(
    names.map((name) => Buffer.concat([uint16(settingIds[name]), uint32(values[name] ?? 0)])),
  );
  return frame(types.settings, { payload });
}

export const settingsAck = frame(types.settings, { flags: flags.ack });

export function ping(opaque = Buffer.alloc(8), isAck = false): Buffer {
  return frame(types.ping, { flags: isAck ? flags.ack : 0, payload: opaque });
}

/** HEADERS with the whole block, and END_HEADERS, unless `more` follows in CONTINUATION frames. */
export function headers(
  streamId: number,
  block: Buffer,
  { end = false, more = false }: { readonly end?: boolean; readonly more?: boolean } = {},
): Buffer {
  const set = (end ? flags.endStream : 0) | (more ? 0 : flags.endHeaders);
  return frame(types.headers, { flags: set, streamId, payload: block });
}

export function continuation(
  streamId: number,
  block: Buffer,
  { more = false }: { readonly more?: boolean } = {},
): Buffer {
  return frame(types.continuation, { flags: more ? 0 : flags.endHeaders, streamId, payload: block });
}

export function data(
  streamId: number,
  payload: Buffer = none,
  { end = false }: { readonly end?: boolean } = {},
): Buffer {
  return frame(types.data, { flags: end ? flags.endStream : 0, streamId, payload });
}

export function reset(streamId: number, code: number = errorCodes.cancel): Buffer {
  return frame(types.reset, { streamId, payload: uint32(code) });
}

export function windowUpdate(streamId: number, increment: number): Buffer {
  return frame(types.windowUpdate, { streamId, payload: uint32(increment) });
}

export function priority(streamId: number, dependsOn = 0, weight = 16): Buffer {
  return frame(types.priority, { streamId, payload: Buffer.concat([uint32(dependsOn), Buffer.from([weight - 1])]) });
}

export function goAway(lastStreamId: number, code: number = errorCodes.noError, debug = ''): Buffer {
  return frame(types.goAway, { payload: Buffer.concat([uint32(lastStreamId), uint32(code), Buffer.from(debug)]) });
}

/** A gRPC message: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md. `length` is what its prefix says. */
export function message(bytes: Uint8Array, { compressed = 0, length = bytes.length } = {}): Buffer {
  return Buffer.concat([Buffer.from([compressed]), uint32(length), bytes]);
}

/** A header field as a literal that enters no table: https://www.rfc-editor.org/rfc/rfc7541#section-6.2.2 */
export function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0]), string(name), string(value)]);
}

/** A literal that enters the dynamic table: https://www.rfc-editor.org/rfc/rfc7541#section-6.2.1 */
export function inserted(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0x40]), string(name), string(value)]);
}

/** A field of a table: 1 to 61 the static one, from 62 the dynamic one, whose newest is 62. */
export function indexed(index: number): Buffer {
  return integer(0x80, 7, index);
}

export function tableSizeUpdate(bytes: number): Buffer {
  return integer(0x20, 5, bytes);
}

/** The header block of a gRPC call. */
export function callHeaders(path: string, more: Readonly<Record<string, string>> = {}): Buffer {
  const fields = {
    ':method': 'POST',
    ':scheme': 'http',
    ':path': path,
    ':authority': 'localhost',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...more,
  };
  return Buffer.concat(Object.entries(fields).map(([name, value]) => literal(name, value)));
}

/** Takes the whole frames from the start of `bytes`, and returns them with the rest. */
export function takeFrames(bytes: Buffer): { readonly frames: Frame[]; readonly rest: Buffer } {
  const frames: Frame[] = [];
  let at = 0;
  while (bytes.length - at >= headBytes) {
    const end = at + headBytes + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    frames.push({
      type: bytes.readUInt8(at + 3),
      flags: bytes.readUInt8(at + 4),
      streamId: bytes.readUInt32BE(at + 5) & 0x7fffffff,
      payload: bytes.subarray(at + headBytes, end),
    });
    at = end;
  }
  return { frames, rest: bytes.subarray(at) };
}

/** What a GOAWAY says. */
export function readGoAway({ payload }: Frame): { lastStreamId: number; code: number; debug: string } {
  return {
    lastStreamId: payload.readUInt32BE(0) & 0x7fffffff,
    code: payload.readUInt32BE(4),
    debug: payload.toString('utf8', 8),
  };
}

/** What an RST_STREAM says. */
export function readReset({ payload }: Frame): number {
  return payload.readUInt32BE(0);
}

/** https://www.rfc-editor.org/rfc/rfc7541#section-5.2, without Huffman. */
function string(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([integer(0, 7, bytes.length), bytes]);
}

/** https://www.rfc-editor.org/rfc/rfc7541#section-5.1 */
export function integer(high: number, prefixBits: number, value: number): Buffer {
  const most = 2 ** prefixBits - 1;
  if (value < most) return Buffer.from([high | value]);
  const bytes = [high | most];
  let left = value - most;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80);
  return Buffer.from([...bytes, left]);
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
