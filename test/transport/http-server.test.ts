import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { realScheduler } from '../../src/base/time/real-scheduler.ts';
import { VirtualScheduler } from '../../src/simulation/virtual-scheduler.ts';
import { httpLimits } from '../../src/transport/http/http-limits.ts';
import type { HttpReply } from '../../src/transport/http/http-reply.ts';
import { type HttpServerOptions, serveHttp } from '../../src/transport/http/http-server.ts';

const { connections, connectionMs, requestBytes } = httpLimits;
const contentType = 'text/plain; charset=utf-8';
const echo = (path: string): HttpReply => ({ status: 200, body: `you asked for ${path}\n`, contentType });

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function serve(more: Partial<HttpServerOptions> = {}): Promise<number> {
  const server = await serveHttp({ host: '127.0.0.1', port: 0, scheduler: realScheduler, reply: echo, ...more });
  cleanUps.push(() => server.close());
  return server.port;
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  cleanUps.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Everything that comes until the server closes. */
async function received(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  if (!socket.closed) await once(socket, 'close');
  return text;
}

async function sent(port: number, text: string): Promise<string> {
  const socket = await open(port);
  socket.write(text, 'latin1');
  return await received(socket);
}

test('a request is answered with its length and date, and the connection closed', async () => {
  const answer = await sent(await serve(), 'GET /healthz?verbose HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\ndate: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\r\n/);
  expect(answer).toMatch(/content-length: 23\r\nconnection: close\r\n\r\nyou asked for \/healthz\n$/);
});

test('HEAD is told everything but the body', async () => {
  const answer = await sent(await serve(), 'HEAD /healthz HTTP/1.0\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.+\r\n)*content-length: 23\r\n(?:.+\r\n)*\r\n$/);
});

test('a request is answered after its sender has closed its half', async () => {
  const socket = await open(await serve({ reply: async (path) => await Promise.resolve(echo(path)) }));
  socket.end('GET /a HTTP/1.1\r\n\r\n');
  expect(await received(socket)).toContain('you asked for /a\n');
});

test('of pipelined requests the first is answered alone', async () => {
  const answer = await sent(await serve(), 'GET /first HTTP/1.1\r\n\r\nGET /second HTTP/1.1\r\n\r\n');
  expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
  expect(answer).toContain('/first');
});

test.each([
  ['one byte at a time', 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['with an empty line before it', '\r\nGET /a HTTP/1.1\r\n\r\n'],
  ['with line feeds alone', 'GET /a HTTP/1.1\n\n'],
  ['with a body', 'GET /a HTTP/1.1\r\ncontent-length: 100000\r\n\r\nbody'],
  ['with a body in chunks', 'GET /a HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n'],
  ['that expects to be told to continue', 'GET /a HTTP/1.1\r\nexpect: 100-continue\r\n\r\n'],
])('a request %s is answered', async (_how, text) => {
  const socket = await open(await serve());
  for (const character of text) socket.write(character);
  expect(await received(socket)).toContain('you asked for /a\n');
});

test.each([
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00', '400 Bad Request', 'this is not a request of HTTP/1.1'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '400 Bad Request', 'this is not a request of HTTP/1.1'],
  ['no protocol', 'hello\r\n\r\n', '400 Bad Request', 'this is not a request of HTTP/1.1'],
  ['another method', 'POST /a HTTP/1.1\r\n\r\n', '405 Method Not Allowed', 'there is GET and HEAD, and not POST'],
  [
    'a long target',
    `GET /${'a'.repeat(requestBytes)} HTTP/1.1\r\n\r\n`,
    '431 Request Header Fields Too Large',
    `the head of the request is longer than ${requestBytes} bytes`,
  ],
  [
    'headers without end',
    `GET /a HTTP/1.1\r\n${'a: b\r\n'.repeat(requestBytes / 4)}`,
    '431 Request Header Fields Too Large',
    `the head of the request is longer than ${requestBytes} bytes`,
  ],
  [
    'nothing but empty lines',
    '\r\n'.repeat(requestBytes),
    '431 Request Header Fields Too Large',
    `the head of the request is longer than ${requestBytes} bytes`,
  ],
])('%s is refused with the reason', async (_what, text, status, reason) => {
  const answer = await sent(await serve(), text);
  expect(answer).toContain(`HTTP/1.1 ${status}\r\n`);
  expect(answer).toMatch(new RegExp(`\\r\\n\\r\\n${reason}\\n$`));
});

test('who sends no whole request is told so when the time of the connection is over', async () => {
  const scheduler = new VirtualScheduler(1);
  const port = await serve({ scheduler });
  const socket = await open(port);
  socket.write('GET /a HTTP/1.1\r\n');
  // It is accepted after the one before.
  await sent(port, 'GET /a HTTP/1.1\r\n\r\n');
  await scheduler.advance(connectionMs);
  expect(await received(socket)).toContain(`no whole request came within ${connectionMs} ms`);
});

test('the oldest of too many connections is told so, and the newest is answered', async () => {
  const port = await serve();
  const idle: Socket[] = [];
  for (let index = 0; index < connections; index += 1) idle.push(await open(port));
  const told = received(idle[0]!);
  expect(await sent(port, 'GET /a HTTP/1.1\r\n\r\n')).toContain('you asked for /a\n');
  expect(await told).toContain(`HTTP/1.1 503 Service Unavailable\r\n`);
  expect(await told).toMatch(new RegExp(`\\nmore than ${connections} connections are open\\n$`));
  expect(idle.slice(1).some((socket) => socket.closed)).toBe(false);
});

test('one reply is made for all who ask at the same time, and a new one for who asks after', async () => {
  let made = 0;
  const asked = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const port = await serve({
    async reply() {
      made += 1;
      asked.resolve();
      await held.promise;
      return { status: 200, body: `reply ${made}\n`, contentType };
    },
  });
  const request = 'GET /metrics HTTP/1.1\r\n\r\n';
  const first = sent(port, request);
  await asked.promise;
  const others = Array.from({ length: 20 }, () => sent(port, request));
  // Another path is answered by then, so the server has seen them all.
  const last = sent(port, 'POST / HTTP/1.1\r\n\r\n');
  await last;
  held.resolve();
  for (const answer of await Promise.all([first, ...others])) expect(answer).toContain('\nreply 1\n');
  expect(await sent(port, request)).toContain('\nreply 2\n');
});

test('a reply that fails is answered with 500', async () => {
  const port = await serve({
    reply: () => Promise.reject(new Error('secret')),
  });
  const answer = await sent(port, 'GET / HTTP/1.1\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 500 /);
  expect(answer).not.toContain('secret');
});
