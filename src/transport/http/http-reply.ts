const reasons = {
  200: 'OK',
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} as const;

export interface HttpReply {
  readonly status: keyof typeof reasons;
  readonly body: string;
  readonly contentType: string;
}

export function refusal(status: HttpReply['status'], reason: string): HttpReply {
  return { status, body: `${reason}\n`, contentType: 'text/plain; charset=utf-8' };
}

/** An encoded reply, made once for all clients that get it. */
export interface EncodedReply {
  readonly head: string;
  readonly body: Buffer;
}

export function encodeReply({ status, body, contentType }: HttpReply, dateMs: number): EncodedReply {
  const bytes = Buffer.from(body);
  const lines = [
    `HTTP/1.1 ${status} ${reasons[status]}`,
    `date: ${new Date(dateMs).toUTCString()}`,
    `content-type: ${contentType}`,
    `content-length: ${bytes.length}`,
    ...(status === 405 ? ['allow: GET, HEAD'] : []),
    // So a connection never has more than one request in progress: https://www.rfc-editor.org/rfc/rfc9112#section-9.6
    'connection: close',
  ];
  return { head: `${lines.join('\r\n')}\r\n\r\n`, body: bytes };
}
