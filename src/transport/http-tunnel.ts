import { request as httpRequest, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { failureText } from './failure-text.ts';
import type { ProxyServer } from './rpc.ts';

/** The proxy failed, not the server behind it. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
}

/** @example 'proxy.example:3128' */
export function proxyAddress({ host, port }: ProxyServer): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Turns a socket connected to the proxy into one that leads to `target`, a `host:port` that the proxy resolves. It has no timeout: the
 * caller destroys the socket instead. @throws ProxyError
 */
export function openTunnel(socket: Socket, target: string, proxy: ProxyServer): Promise<void> {
  const fail = (reason: string): ProxyError => new ProxyError(`the proxy at ${proxyAddress(proxy)} ${reason}`);
  return new Promise((resolve, reject) => {
    const headers = { host: target, ...authorization(proxy) };
    const request = httpRequest({ method: 'CONNECT', path: target, headers, createConnection: () => socket });
    // The header has no meaning for a tunnel, and some proxies close the tunnel because of it.
    request.removeHeader('connection');
    request.once('connect', ({ statusCode = 0 }, _, head) => {
      if (statusCode < 200 || statusCode > 299) return reject(fail(refusalText(statusCode, proxy)));
      // The server's first bytes may arrive together with the proxy's answer.
      if (head.length > 0) socket.unshift(head);
      resolve();
    });
    request.once('error', (error: NodeJS.ErrnoException) => reject(fail(brokenText(error))));
    request.end();
  });
}

function authorization({ credentials }: ProxyServer): Record<string, string> {
  if (credentials === undefined) return {};
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials.reveal()).toString('base64')}` };
}

/** Omits the proxy's reason phrase, which may be any text. */
function refusalText(status: number, { credentials }: ProxyServer): string {
  const answer = `refuses the tunnel with ${status} ${STATUS_CODES[status] ?? ''}`.trim();
  if (status !== 407) return answer;
  return `${answer}: ${credentials === undefined ? 'it asks for a user and a password' : 'it does not accept the user and password'}`;
}

function brokenText(error: NodeJS.ErrnoException): string {
  if (error.code?.startsWith('HPE_')) return 'answers with something that is not HTTP';
  if (error.code === 'ECONNRESET') return 'closed the connection instead of opening a tunnel';
  return `opened no tunnel: ${failureText(error)}`;
}
