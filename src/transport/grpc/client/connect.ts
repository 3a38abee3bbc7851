import { messageOf } from '../../../base/user-facing-error.ts';
import { failureText } from '../../failure-text.ts';
import { ProxyError, proxyAddress } from '../../http-tunnel.ts';
import type { Connection, ConnectOptions, ProxyServer } from '../../rpc.ts';
import { RpcError } from '../../status.ts';
import { CertificateError } from '../../tls/certificate-error.ts';
import { GrpcConnection } from './connection.ts';
import { Dial } from './dial.ts';

/** Opens one connection. Resolves once the server has spoken HTTP/2. It gives up at the first failure: its owner tries again. */
export async function connect(address: string, options: ConnectOptions): Promise<Connection> {
  const dial = new Dial(address, options);
  const deadline = Promise.withResolvers<never>();
  const timer = setTimeout(() => deadline.reject(new NoAnswer(options.timeoutMs)), options.timeoutMs);
  const attempt = open(dial, address, options);
  try {
    return await Promise.race([attempt, deadline.promise]);
  } catch (error) {
    // The attempt may still come to its end.
    attempt.then((connection) => connection.close()).catch(() => {});
    dial.abandon();
    throw failureOf(error, address, options.proxy, dial);
  } finally {
    clearTimeout(timer);
  }
}

class NoAnswer extends Error {
  constructor(timeoutMs: number) {
    super(`did not answer within ${timeoutMs} ms`);
  }
}

async function open(dial: Dial, address: string, options: ConnectOptions): Promise<Connection> {
  const socket = await dial.socket(address);
  const bytesBefore = socket.bytesRead;
  const ready = Promise.withResolvers<void>();
  const connection = new GrpcConnection(socket, address, options, () => ready.resolve());
  const onClosed = (): void => ready.reject(silence(socket.bytesRead > bytesBefore));
  connection.closed.addEventListener('abort', onClosed, { once: true });
  await ready.promise;
  connection.closed.removeEventListener('abort', onClosed);
  return connection;
}

/** Why a server that accepted the connection did not speak HTTP/2. */
function silence(hasSpoken: boolean): Error {
  return new Error(
    hasSpoken ? 'what answers there does not speak HTTP/2' : 'the connection was closed before the server spoke HTTP/2',
  );
}

function failureOf(error: unknown, address: string, proxy: ProxyServer | undefined, dial: Dial): RpcError {
  const unavailable = (text: string, cause?: unknown): RpcError =>
    new RpcError('UNAVAILABLE', `${address} ${text}`, { cause });
  if (error instanceof RpcError) return error;
  if (error instanceof CertificateError) return unavailable(`cannot be trusted: ${error.message}`, error);
  if (error instanceof ProxyError) return unavailable(`cannot be reached: ${error.message}`, error);
  const text = error instanceof NoAnswer ? error.message : `cannot be reached: ${reasonOf(error)}`;
  if (!proxy) return unavailable(text);
  if (dial.isThroughProxy) return unavailable(`${text}, through the proxy at ${proxyAddress(proxy)}`);
  const ofProxy = new ProxyError(`the proxy at ${proxyAddress(proxy)} ${text}`);
  return unavailable(`cannot be reached: ${ofProxy.message}`, ofProxy);
}

/** Several addresses of one name fail as one error, whose parts say why. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return reasonOf(error.errors.at(-1));
  const isOfName = error instanceof Error && 'syscall' in error && error.syscall === 'getaddrinfo';
  return isOfName ? `Name resolution failed: ${messageOf(error)}` : failureText(error);
}
