import type { Socket } from 'node:net';
import { failureText } from './failure-text.ts';
import { readConnectAnswer } from './http/connect-answer.ts';
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
export async function openTunnel(socket: Socket, target: string, proxy: ProxyServer): Promise<void> {
  const fail = (reason: string): ProxyError => new ProxyError(`the proxy at ${proxyAddress(proxy)} ${reason}`);
  // Anything else could end the line, and ask for something else.
  if (!/^[!-~]+$/.test(target)) throw fail(`cannot be asked for ${JSON.stringify(target)}, which is not plain ASCII`);
  socket.write(connectRequest(target, proxy));
  const { status, rest } = await answerOf(socket).catch((error: Error) => {
    throw fail(brokenText(error));
  });
  if (status > 299) throw fail(refusalText(status, proxy));
  // The server's first bytes may arrive together with the proxy's answer.
  if (rest.length > 0) socket.unshift(rest);
}

/** https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6 */
function connectRequest(target: string, { credentials }: ProxyServer): string {
  const lines = [`CONNECT ${target} HTTP/1.1`, `host: ${target}`];
  if (credentials) lines.push(`proxy-authorization: Basic ${Buffer.from(credentials.reveal()).toString('base64')}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

class NotHttpError extends Error {}
class ClosedError extends Error {}

/** Leaves the socket as it was before it was read, if there is an answer. */
function answerOf(socket: Socket): Promise<{ readonly status: number; readonly rest: Buffer }> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0);
    const closed = (): void => reject(new ClosedError());
    const read = (): void => {
      for (let bytes = socket.read() as Buffer | null; bytes !== null; bytes = socket.read() as Buffer | null) {
        received = Buffer.concat([received, bytes]);
      }
      const answer = readConnectAnswer(received);
      if (answer === 'incomplete') return;
      socket.off('readable', read);
      if (answer === 'not-http') {
        reject(new NotHttpError());
      } else {
        socket.off('error', reject).off('end', closed).off('close', closed);
        resolve(answer);
      }
    };
    socket.on('readable', read).on('error', reject).on('end', closed).on('close', closed);
  });
}

/** What a proxy may answer to CONNECT: https://www.rfc-editor.org/rfc/rfc9110#section-15 */
const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  511: 'Network Authentication Required',
};

/** Omits the proxy's reason phrase, which may be any text. */
function refusalText(status: number, { credentials }: ProxyServer): string {
  const answer = `refuses the tunnel with ${status} ${reasons[status] ?? ''}`.trim();
  if (status !== 407) return answer;
  return `${answer}: ${credentials === undefined ? 'it asks for a user and a password' : 'it does not accept the user and password'}`;
}

function brokenText(error: NodeJS.ErrnoException): string {
  if (error instanceof NotHttpError) return 'answers with something that is not HTTP';
  if (error instanceof ClosedError || error.code === 'ECONNRESET') {
    return 'closed the connection instead of opening a tunnel';
  }
  return `opened no tunnel: ${failureText(error)}`;
}
