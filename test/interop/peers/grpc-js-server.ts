import { Metadata, Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js';
import type { PeerOptions } from '../peer-process.ts';
import { eachLine, Gate, repeated, tell } from './lines.ts';
import { type CountRequest, type Description, type EndRequest, fromJson, toJson } from './methods.ts';

type Call = ServerDuplexStream<Buffer, Buffer>;

const pass = (bytes: Buffer): Buffer => bytes;
const gate = new Gate();
const unlimited = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };

/** A server on grpc-js. It takes every call for a stream, which on the wire is the same. */
export async function serveWithGrpcJs({ tls, streams }: PeerOptions): Promise<void> {
  const server = new Server({ ...unlimited, ...(streams !== undefined && { 'grpc.max_concurrent_streams': streams }) });
  for (const [name, handle] of Object.entries(handlers)) {
    server.register(`/interop.Peer/${name}`, (call: Call) => void handle(call), pass, pass, 'bidi');
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentialsOf(tls), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  tell({ event: 'listening', address: `127.0.0.1:${port}` });
  eachLine((asked) => {
    if (!('do' in asked)) throw new Error('a server makes no calls');
    if (asked.do === 'open') gate.open();
    else if (asked.do === 'drain') server.tryShutdown(() => tell({ event: 'drained' }));
    else server.forceShutdown();
  });
}

function credentialsOf(tls: PeerOptions['tls']): ServerCredentials {
  if (tls?.key === undefined || tls.certificate === undefined) return ServerCredentials.createInsecure();
  const ca = tls.ca === undefined ? null : Buffer.from(tls.ca);
  const pair = { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.certificate) };
  return ServerCredentials.createSsl(ca, [pair], ca !== null);
}

async function first(call: Call): Promise<Buffer> {
  return await new Promise((resolve) => call.once('data', resolve));
}

async function echo(call: Call): Promise<void> {
  call.write(await first(call));
  call.end();
}

function describe(call: Call): Description {
  const metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(call.metadata.getMap())) {
    if (typeof value === 'string') metadata[key] = value;
  }
  const deadlineMs = Number(call.getDeadline());
  const principal = call.getAuthContext().sslPeerCertificate?.subject.CN;
  return {
    metadata,
    ...(Number.isFinite(deadlineMs) && { timeoutMs: deadlineMs - Date.now() }),
    ...(typeof principal === 'string' && { principal }),
  };
}

function end(call: Call, { code, message, trailers }: EndRequest): void {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(trailers)) metadata.set(key, value);
  if (code === status.OK) {
    call.write(Buffer.alloc(0));
    call.end(metadata);
  } else call.emit('error', { code, details: message, metadata });
}

const handlers: Readonly<Record<string, (call: Call) => void | Promise<void>>> = {
  Echo: echo,
  Farewell: echo,
  Describe: async (call) => {
    await first(call);
    call.write(toJson(describe(call)));
    call.end();
  },
  End: async (call) => end(call, fromJson(await first(call))),
  Gate: async (call) => {
    const request = await first(call);
    await gate.pass();
    call.write(request);
    call.end();
  },
  Count: async (call) => {
    const { count, bytes } = fromJson<CountRequest>(await first(call));
    for (let number = 0; number < count; number += 1) call.write(repeated(number, bytes));
    call.end();
  },
  Collect: (call) => {
    const sum = { messages: 0, bytes: 0 };
    call.on('data', (message: Buffer) => {
      sum.messages += 1;
      sum.bytes += message.byteLength;
    });
    call.on('end', () => {
      call.write(toJson(sum));
      call.end();
    });
  },
  Chat: (call) => {
    call.on('data', (message: Buffer) => call.write(message));
    call.on('end', () => call.end());
  },
  Hang: (call) => {
    call.write(Buffer.from('ready'));
    call.on('cancelled', () => {
      const passed = Number(call.getDeadline()) <= Date.now();
      tell({ event: 'lost', code: passed ? 'DEADLINE_EXCEEDED' : 'CANCELLED' });
    });
  },
};
