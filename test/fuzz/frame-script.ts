import { frame, preface, settingIds, settings, takeFrames, types } from '../transport/http2/raw-frames.ts';

/** What one end of a connection sends. */
export interface Script {
  readonly chunks: readonly Buffer[];
  /** The most that it may have allowed the other end to send. */
  readonly allows: Allowed;
}

export interface Allowed {
  /** Of data, on all streams. */
  readonly windowBytes: number;
  /** In one frame. */
  readonly frameBytes: number;
}

/** Payloads that hardly any mutation would leave in order: header blocks and messages. */
export interface Ready {
  readonly begin: Buffer;
  readonly payloads: readonly Buffer[];
}

export const clientBegin = Buffer.concat([preface, settings()]);
export const serverBegin = settings();

const headBytes = 4;
/** No larger frame is made, so that an input of a few kilobytes has many. */
const payloadBytesMax = 255;
/** A type of at least this means a HEADERS frame, or a DATA frame if it is odd, and its payload is the number of one that is ready. */
const readyType = 0xe0;

/**
 * Reads an input. Its first byte says how: an even one means frames whose lengths are always right, each with a byte for type, flags, stream and
 * length, and an odd one plain bytes. What the byte is beside that is the size of the chunks.
 */
export function scriptOf(input: Uint8Array, { begin, payloads }: Ready): Script {
  const [how = 0] = input;
  const rest = Buffer.from(input.subarray(1));
  const bytes = how % 2 === 0 ? Buffer.concat([begin, ...framesOf(rest, payloads)]) : rest;
  const chunkBytes = how < 2 ? bytes.length : how;
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) chunks.push(bytes.subarray(at, at + chunkBytes));
  return { chunks, allows: { windowBytes: 65_535 + windowOf(bytes), frameBytes: frameBytesOf(bytes) } };
}

/** The input that sends these frames, in one chunk or in chunks of so many bytes. A payload that is ready is put by its number. */
export function scriptInput(frames: Buffer, { payloads }: Ready, chunkBytes = 0): Uint8Array {
  const parts = takeFrames(frames).frames.flatMap(({ type, flags, streamId, payload }) => {
    const number = payloads.findIndex((each) => each.equals(payload));
    const isReady = number >= 0 && (type === types.headers || type === types.data);
    if (isReady) return [Buffer.from([readyType + (type === types.data ? 1 : 0), flags, streamId, 1, number])];
    return [Buffer.from([type, flags, streamId, payload.length]), payload];
  });
  return Buffer.concat([Buffer.from([chunkBytes * 2]), ...parts]);
}

/** The input that sends these bytes as they are. */
export function bytesInput(bytes: Buffer): Uint8Array {
  return Buffer.concat([Buffer.from([1]), bytes]);
}

function* framesOf(bytes: Buffer, payloads: readonly Buffer[]): Generator<Buffer> {
  for (let at = 0; at + headBytes <= bytes.length; ) {
    const from = at + headBytes;
    const to = Math.min(bytes.length, from + Math.min(payloadBytesMax, bytes.readUInt8(at + 3)));
    const type = bytes.readUInt8(at);
    const given = bytes.subarray(from, to);
    const isReady = type >= readyType && given.length > 0 && payloads.length > 0;
    const payload = isReady ? payloads[given.readUInt8(0) % payloads.length] : given;
    const options = { flags: bytes.readUInt8(at + 1), streamId: bytes.readUInt8(at + 2), ...(payload && { payload }) };
    yield frame(isReady ? (type % 2 === 1 ? types.data : types.headers) : type, options);
    at = to;
  }
}

/** Counts whatever looks like a WINDOW_UPDATE. */
function windowOf(bytes: Buffer): number {
  let sum = 0;
  for (const at of placesOf(bytes, windowUpdateBegin, 13)) sum += bytes.readUInt32BE(at + 9) & 0x7fffffff;
  return sum;
}

/** Takes whatever looks like a SETTINGS_MAX_FRAME_SIZE. */
function frameBytesOf(bytes: Buffer): number {
  let most = 16_384;
  for (const at of placesOf(bytes, maxFrameSize, 6)) most = Math.max(most, bytes.readUInt32BE(at + 2));
  return most;
}

/** Length and type of every WINDOW_UPDATE. */
const windowUpdateBegin = Buffer.from([0, 0, 4, types.windowUpdate]);
const maxFrameSize = Buffer.from([0, settingIds.maxFrameSize]);

function* placesOf(bytes: Buffer, begin: Buffer, length: number): Generator<number> {
  for (let at = bytes.indexOf(begin); at >= 0; at = bytes.indexOf(begin, at + 1)) {
    if (at + length <= bytes.length) yield at;
  }
}
