import http from 'node:http';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { Client, credentials } from '@grpc/grpc-js';
import type { Answer, Question } from './prober.ts';

// Runs where a kubelet does: on the node, from where pods are reached by their addresses. Takes questions as lines of JSON.

for await (const line of createInterface({ input: process.stdin })) {
  const { id, ...question } = JSON.parse(line) as Question & { readonly id: number };
  void answerTo(question).then((answer) => process.stdout.write(`${JSON.stringify({ id, ...answer })}\n`));
}

function answerTo(question: Question): Promise<Answer> {
  return { http: askHttp, grpc: askGrpc, tcp: askTcp }[question.by](question).catch((error: Error) => ({
    isGood: false,
    text: error.message,
  }));
}

/** Good is any status from 200 to 399. */
async function askHttp({ host, port, path = '/', timeoutMs }: Question): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  const signal = AbortSignal.timeout(timeoutMs);
  http.get({ host, port, path, agent: false, signal }, resolve).on('error', reject);
  const response = await promise;
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk as string;
  const status = response.statusCode ?? 0;
  return { isGood: status >= 200 && status < 400, text: text || `${status}` };
}

/** Good is the status SERVING of gRPC's health checks, for the server as a whole. */
async function askGrpc({ host, port, timeoutMs }: Question): Promise<Answer> {
  const client = new Client(`${host}:${port}`, credentials.createInsecure());
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>();
  client.makeUnaryRequest(
    '/grpc.health.v1.Health/Check',
    (request: Buffer) => request,
    (reply: Buffer) => reply,
    Buffer.alloc(0),
    { deadline: Date.now() + timeoutMs },
    (error, reply) => (error ? reject(error) : resolve(reply)),
  );
  const reply = await promise.finally(() => client.close());
  const text = reply?.toString('hex') ?? '';
  // The first field, a number: 1.
  return { isGood: text === '0801', text };
}

async function askTcp({ host, port, timeoutMs }: Question): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = net.connect({ host, port, timeout: timeoutMs }, resolve);
  socket.on('error', reject).on('timeout', () => reject(new Error('no connection in time')));
  await promise.finally(() => socket.destroy());
  return { isGood: true, text: 'connected' };
}
