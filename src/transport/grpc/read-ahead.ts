import { setDefaultHighWaterMark } from 'node:stream';

/**
 * Makes the streams of this process buffer one message instead of 16, which for the largest are 17 MiB per call. grpc-js creates its
 * streams with Node's default and has no option for it. Our own reader has its own limit in `duplex-end.ts`. Only for programs: the client
 * for plugins runs in a process that is not ours.
 * https://nodejs.org/api/stream.html#streamsetdefaulthighwatermarkobjectmode-value
 */
export function bufferOneMessageAStream(): void {
  setDefaultHighWaterMark(true, 1);
}
