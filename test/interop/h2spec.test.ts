import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { createAuthority } from '../transport/certificates.ts';
import { endPeers, type PeerName, startServer } from './peer-process.ts';
import { buildDir, toolFile } from './tools.ts';

const run = promisify(execFile);

/** All cases of h2spec 2.2.1: its generic ones, those of HTTP/2 and those of HPACK. */
const casesInAll = 145;

/**
 * The port for gRPC answers a request that is none at its headers, and resets the stream. What follows on that stream is then ignored, as
 * these cases do not expect. "An endpoint that sends a RST_STREAM frame on a stream that is in the 'open' or 'half-closed (local)' state could
 * receive any type of frame. […] An endpoint MUST minimally process and then discard any frames it receives in this state":
 * https://www.rfc-editor.org/rfc/rfc9113#section-5.1
 */
const ignoredAfterReset = [
  'http2/5.1: closed: Sends a DATA frame after sending RST_STREAM frame',
  'http2/5.1: closed: Sends a HEADERS frame after sending RST_STREAM frame',
  'http2/6.1: Sends a DATA frame with invalid pad length',
  'http2/6.9: Sends a WINDOW_UPDATE frame with a flow control window increment of 0 on a stream',
  'http2/6.9.1: Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream',
  'http2/8.1: Sends a second HEADERS frame without the END_STREAM flag',
  'http2/8.1.2.1: Sends a HEADERS frame that contains a pseudo-header field as trailers',
  'http2/8.1.2.6: Sends a HEADERS frame with the "content-length" header field which does not equal the DATA frame payload length',
  'http2/8.1.2.6: Sends a HEADERS frame with the "content-length" header field which does not equal the sum of the multiple DATA frames payload length',
];

afterAll(endPeers);

interface Case {
  readonly name: string;
  readonly verdict: 'passed' | 'failed' | 'skipped';
}

function casesOf(report: string): Case[] {
  const pattern = /<testcase package="([^"]*)" classname="([^"]*)"[^>]*>([\s\S]*?)<\/testcase>/g;
  return [...report.matchAll(pattern)].map(([, section = '', title = '', content = '']) => ({
    name: `${section}: ${title.replaceAll('&#34;', '"')}`,
    verdict: content.includes('<skipped') ? 'skipped' : content.trim() === '' ? 'passed' : 'failed',
  }));
}

test.each<[string, PeerName, 'plaintext' | 'TLS', readonly string[]]>([
  ['our HTTP/2 in plaintext', 'our HTTP/2', 'plaintext', []],
  ['our HTTP/2 over TLS', 'our HTTP/2', 'TLS', []],
  ['the port for gRPC', 'ours', 'plaintext', ignoredAfterReset],
])('h2spec finds that %s is as the RFCs say', async (_, peer, kind, overruled) => {
  const authority = createAuthority('Test authority', 'ecdsa');
  const tls = kind === 'TLS' ? authority.issue('bus', { dns: 'localhost', ip: [127, 0, 0, 1] }) : undefined;
  const server = await startServer(peer, { streams: 100, ...(tls && { tls }) });
  const file = path.join(buildDir, 'h2spec.xml');
  const where = ['-h', '127.0.0.1', '-p', server.port, ...(tls ? ['-t', '-k'] : [])];
  const report = await run(toolFile('h2spec'), [...where, '--junit-report', file, '--timeout', '1']).catch(
    (failed: { stdout: string }) => failed,
  );
  const cases = casesOf(readFileSync(file, 'utf8'));
  const missed = cases.filter(({ verdict }) => verdict !== 'passed').map(({ name, verdict }) => `${name} (${verdict})`);
  const expected = overruled.map((name) => `${name} (failed)`);
  expect(missed, report.stdout).toEqual(expected);
  expect(cases.length - missed.length).toBe(casesInAll - expected.length);
  expect(server.peer.stderr).toBe('');
});
