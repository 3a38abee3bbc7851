import { httpLimits } from './http-limits.ts';
import { type HttpReply, refusal } from './http-reply.ts';

/** The requested path, or why the request is refused. */
export type RequestHead =
  | { readonly path: string; readonly isHead: boolean }
  | { readonly refusal: HttpReply; readonly isHead: false };

/** An empty line may come first: https://www.rfc-editor.org/rfc/rfc9112#section-2.2 */
const requestLine = /^(?:\r?\n)*([!#$%&'*+.^_`|~\w-]+) (\S+) HTTP\/1\.[01]\r?\n/;
const end = /\r?\n\r?\n/;

/** Reads the head of an HTTP/1.1 request, of which only the first line matters. Undefined if more of it must arrive first. */
export function readRequestHead(text: string): RequestHead | undefined {
  const { requestBytes } = httpLimits;
  // Otherwise the server would wait for a line end that another protocol never sends.
  if (!/^[\r\nA-Za-z]/.test(text)) return refused(400, 'this is not a request of HTTP/1.1');
  const found = end.exec(text.replace(/^(?:\r?\n)+/, ''));
  if ((found?.index ?? text.length) > requestBytes) {
    return refused(431, `the head of the request is longer than ${requestBytes} bytes`);
  }
  if (!found) return undefined;
  const [, method, target = ''] = requestLine.exec(text) ?? [];
  if (method === undefined) return refused(400, 'this is not a request of HTTP/1.1');
  if (method !== 'GET' && method !== 'HEAD')
    return refused(405, `there is GET and HEAD, and not ${method.slice(0, 20)}`);
  // Anyone may send any target, so it is not parsed as a URL, which could throw.
  const [path = ''] = target.split('?', 1);
  return { path, isHead: method === 'HEAD' };
}

function refused(status: HttpReply['status'], reason: string): RequestHead {
  return { refusal: refusal(status, reason), isHead: false };
}
