import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { http2Limits } from '../../src/transport/http2/limits.ts';

const text = readFileSync(new URL('../../docs/reliability.md', import.meta.url), 'utf8');
const section = text.slice(text.indexOf('## Limits of each connection'), text.indexOf('## What has no limit yet'));

const KiB = 1_024;
const MiB = 1_024 * KiB;
const count = (value: number): string => value.toLocaleString('en-US');
const size = (bytes: number): string => (bytes % MiB === 0 ? `${bytes / MiB} MiB` : `${bytes / KiB} KiB`);
const rate = ({ burst, perSecond }: { burst: number; perSecond: number }, unit: (value: number) => string): string =>
  `${unit(burst)}, and ${unit(perSecond)} a second`;
const seconds = (ms: number): string => `${ms / 1_000} s`;

/** What the page says of each limit. */
const said: Readonly<Record<keyof typeof http2Limits, string>> = {
  headerListBytes: `one list of header fields | ${size(http2Limits.headerListBytes)}`,
  headerBlockBytes: `one header block | ${size(http2Limits.headerBlockBytes)}`,
  headerBlockFrames: `${http2Limits.headerBlockFrames} frames`,
  headerTableBytes: `the table of header compression | ${size(http2Limits.headerTableBytes)}`,
  connectionWindowBytes: `${size(http2Limits.connectionWindowBytes)} for the connection`,
  streamWindowBytes: `${size(http2Limits.streamWindowBytes)} for a stream`,
  unsentBytes: `wait in its socket up to ${size(http2Limits.unsentBytes)}`,
  unsentAnswerBytes: `answers that wait in its socket | ${size(http2Limits.unsentAnswerBytes)}`,
  controlFrames: rate(http2Limits.controlFrames, count),
  settingsFrames: `SETTINGS | ${rate(http2Limits.settingsFrames, count)}`,
  resets: `calls that it resets | ${rate(http2Limits.resets, count)}`,
  refusedStreams: rate(http2Limits.refusedStreams, count),
  discardedBytes: `bodies of refused calls | ${rate(http2Limits.discardedBytes, size)}`,
  resetStreamsKept: `the newest ${count(http2Limits.resetStreamsKept)} such calls`,
  prefaceTimeoutMs: `with the TLS handshake | ${seconds(http2Limits.prefaceTimeoutMs)}`,
  lastFrameMs: `once it broke the protocol | ${seconds(http2Limits.lastFrameMs)}`,
  messageTimeoutMs: `its turn to its last | ${seconds(http2Limits.messageTimeoutMs)}`,
  largeMessageBytes: `${size(http2Limits.largeMessageBytes)} at once`,
  reasonBytes: `${http2Limits.reasonBytes} bytes are shown`,
  waitingCalls: `Up to ${count(http2Limits.waitingCalls)} calls wait`,
};

test.each(Object.entries(said))('docs/reliability.md tells the limit %s as the code has it', (_, words) => {
  expect(section).toContain(words);
});
