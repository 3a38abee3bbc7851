import { setDefaultHighWaterMark } from 'node:stream';

/**
 * Has the streams of this process buffer one message and not 16, which of the largest are 17 MiB for each call. grpc-js
 * makes its streams with the default of Node, and passes no other on; our own reader has its own limit in `duplex-end.ts`.
 * For programs alone: the client for plugins runs in a process that is not ours.
 * https://nodejs.org/api/stream.html#streamsetdefaulthighwatermarkobjectmode-value
 */
export function bufferOneMessageAStream(): void {
  setDefaultHighWaterMark(true, 1);
}
