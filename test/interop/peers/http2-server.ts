import {
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import { eachLine, Gate, peerOptions, repeated, tell } from './lines.ts';
import { type CountRequest, type Description, type EndRequest, fromJson, toJson } from './methods.ts';
import { framed, messagesOf } from './prefixed-messages.ts';

const gate = new Gate();
const { tls, window, streams } = peerOptions();
const settings = {
  ...(window !== undefined && { initialWindowSize: window }),
  ...(streams !== undefined && { maxConcurrentStreams: streams }),
};

/** One call: gRPC by hand, so that it shares no code with any library. */
class Call {
  readonly #stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly messages: AsyncIterator<Buffer>;
  #trailers: Record<string, string> = { 'grpc-status': '0' };

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.#stream = stream;
    this.headers = headers;
    this.messages = messagesOf(stream);
  }

  async first(): Promise<Buffer> {
    const { value, done } = await this.messages.next();
    if (done) throw new Error('the call has no message');
    return value;
  }

  send(message: Buffer): void {
    if (!this.#stream.headersSent) this.#respond();
    this.#stream.write(framed(message));
  }

  end(trailers: Readonly<Record<string, string>> = {}): void {
    Object.assign(this.#trailers, trailers);
    if (!this.#stream.headersSent) this.#respond();
    this.#stream.end();
  }

  /** A response that is nothing but headers. */
  endAtOnce(code: number, message: string, trailers: Readonly<Record<string, string>> = {}): void {
    const status = { 'grpc-status': `${code}`, 'grpc-message': encodeURIComponent(message) };
    this.#stream.respond({ ...head, ...status, ...trailers }, { endStream: true });
  }

  get principal(): string | undefined {
    const socket = this.#stream.session?.socket;
    return socket instanceof TLSSocket ? [socket.getPeerCertificate().subject?.CN].flat()[0] : undefined;
  }

  whenClosed(handle: () => void): void {
    this.#stream.on('close', handle);
  }

  #respond(): void {
    this.#stream.respond(head, { waitForTrailers: true });
    this.#stream.on('wantTrailers', () => this.#stream.sendTrailers(this.#trailers));
  }
}

const head = { ':status': 200, 'content-type': 'application/grpc' };

function describe(call: Call): Description {
  const metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(call.headers)) {
    if (typeof value === 'string') metadata[key] = value;
  }
  const { principal } = call;
  const timeoutMs = timeoutOf(call.headers);
  return { metadata, ...(principal !== undefined && { principal }), ...(timeoutMs !== undefined && { timeoutMs }) };
}

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

function timeoutOf(headers: IncomingHttpHeaders): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(String(headers['grpc-timeout'])) ?? [];
  return digits === undefined ? undefined : Number(digits) * (unitMs[unit] ?? 0);
}

async function echo(call: Call): Promise<void> {
  call.send(await call.first());
  call.end();
}

const handlers: Readonly<Record<string, (call: Call) => Promise<void>>> = {
  Echo: echo,
  Farewell: echo,
  async Describe(call) {
    await call.first();
    call.send(toJson(describe(call)));
    call.end();
  },
  async End(call) {
    const { code, message, trailers } = fromJson<EndRequest>(await call.first());
    if (code !== 0) return call.endAtOnce(code, message, trailers);
    call.send(Buffer.alloc(0));
    call.end(trailers);
  },
  async Gate(call) {
    const request = await call.first();
    await gate.pass();
    call.send(request);
    call.end();
  },
  async Count(call) {
    const { count, bytes } = fromJson<CountRequest>(await call.first());
    for (let number = 0; number < count; number += 1) call.send(repeated(number, bytes));
    call.end();
  },
  async Collect(call) {
    const sum = { messages: 0, bytes: 0 };
    for (let next = await call.messages.next(); !next.done; next = await call.messages.next()) {
      sum.messages += 1;
      sum.bytes += next.value.byteLength;
    }
    call.send(toJson(sum));
    call.end();
  },
  async Chat(call) {
    for (let next = await call.messages.next(); !next.done; next = await call.messages.next()) call.send(next.value);
    call.end();
  },
  async Hang(call) {
    call.send(Buffer.from('ready'));
    call.whenClosed(() => tell({ event: 'lost', code: 'CANCELLED' }));
  },
};

const sessions = new Set<ServerHttp2Session>();
const server: Http2Server =
  tls?.key === undefined
    ? createServer({ settings })
    : createSecureServer({
        settings,
        ...{ key: tls.key, cert: tls.certificate, ca: tls.ca, requestCert: tls.ca !== undefined },
      });
server.on('session', (session) => {
  sessions.add(session);
  session.on('close', () => {
    sessions.delete(session);
    if (sessions.size === 0 && !server.listening) tell({ event: 'drained' });
  });
});
server.on('stream', (stream, headers) => {
  const call = new Call(stream, headers);
  const handler = handlers[String(headers[':path']).replace('/interop.Peer/', '')];
  stream.on('error', () => {});
  if (handler) handler(call).catch(() => stream.destroy());
  else call.endAtOnce(12, `there is no ${headers[':path']}`);
});
server.listen(0, '127.0.0.1', () => {
  tell({ event: 'listening', address: `127.0.0.1:${(server.address() as AddressInfo).port}` });
});

eachLine((asked) => {
  if (!('do' in asked)) throw new Error('a server makes no calls');
  if (asked.do === 'open') return gate.open();
  server.close();
  for (const session of sessions) {
    if (asked.do === 'drain') session.close();
    else session.destroy();
  }
});
