/** The head of a proxy's answer to CONNECT, in bytes. A proxy sends some lines; more is not kept. */
export const connectAnswerBytesMax = 8 * 1_024;

export type ConnectAnswer =
  | { readonly status: number /** The first bytes of the tunnel. */; readonly rest: Buffer }
  | 'incomplete'
  | 'not-http';

const begin = 'HTTP/1.';
/** https://www.rfc-editor.org/rfc/rfc9112#section-4; the reason may be missing with its space, as some proxies send it. */
const statusLine = /^HTTP\/1\.[01] ([1-5]\d\d)(?: .*)?$/;
/** https://www.rfc-editor.org/rfc/rfc9112#section-5 */
const fieldLine = /^[!#$%&'*+.^_`|~\w-]+:/;

/**
 * Reads the final answer to CONNECT: interim ones are skipped. Of the header nothing is used, since an answer that opens a tunnel has no
 * body, whatever its fields say: https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
 */
export function readConnectAnswer(received: Buffer): ConnectAnswer {
  let at = 0;
  for (;;) {
    const head = headOf(received.toString('latin1', at, connectAnswerBytesMax));
    if (head === 'incomplete' && received.length >= connectAnswerBytesMax) return 'not-http';
    if (typeof head === 'string') return head;
    at += head.bytes;
    if (head.status >= 200) return { status: head.status, rest: received.subarray(at) };
  }
}

function headOf(text: string): { readonly status: number; readonly bytes: number } | 'incomplete' | 'not-http' {
  // Otherwise a server of another protocol would be waited for, which sends no empty line.
  if (!text.startsWith(begin.slice(0, text.length))) return 'not-http';
  const end = /\r?\n\r?\n/.exec(text);
  if (!end) return 'incomplete';
  const [first = '', ...fields] = text.slice(0, end.index).split(/\r?\n/);
  const status = statusLine.exec(first)?.[1];
  if (status === undefined || !fields.every((line) => fieldLine.test(line))) return 'not-http';
  return { status: Number(status), bytes: end.index + end[0].length };
}
