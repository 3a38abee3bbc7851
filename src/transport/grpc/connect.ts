import type { ClientOptions } from '@grpc/grpc-js';
import { Client, connectivityState, Metadata } from '@grpc/grpc-js';
import { messageOf } from '../../base/user-facing-error.ts';
import { CertificateError } from '../certificate-error.ts';
import { failureText } from '../failure-text.ts';
import { ProxyError, proxyAddress } from '../http-tunnel.ts';
import type { Connection, ConnectOptions, ProxyServer } from '../rpc.ts';
import { RpcError } from '../status.ts';
import { ClientCredentials } from './client-credentials.ts';
import { GrpcConnection } from './connection.ts';
import { passBytes } from './duplex-end.ts';

/** The longest delay of a Node timer. */
const neverMs = 2 ** 31 - 1;

/** Opens one connection. Resolves once it is established. */
export async function connect(address: string, options: ConnectOptions): Promise<Connection> {
  const { proxy } = options;
  const credentials = new ClientCredentials(address, options);
  // Without the scheme, a host called `unix` or `dns` would be read as a scheme.
  const client = new Client(
    `dns:${proxy ? proxyAddress(proxy) : address}`,
    credentials,
    clientOptions(address, options),
  );
  try {
    await ready(client, options.timeoutMs);
  } catch (error) {
    client.close();
    credentials.abandon();
    throw failureOf(error, { address, proxy, credentials });
  }
  return new GrpcConnection(client, address, options);
}

function clientOptions(address: string, options: ConnectOptions): ClientOptions {
  return {
    'grpc.enable_channelz': 0,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.client_idle_timeout_ms': neverMs,
    'grpc.max_receive_message_length': options.maxMessageBytes,
    'grpc.max_send_message_length': options.maxMessageBytes,
    // Detects within twenty seconds a peer that vanished without closing its socket.
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.keepalive_permit_without_calls': 1,
    // The library would use the proxy of the environment, which is the app's and not meant for this connection.
    'grpc.enable_http_proxy': 0,
    'grpc.default_authority': address,
  };
}

interface Attempt {
  readonly address: string;
  readonly proxy: ProxyServer | undefined;
  readonly credentials: ClientCredentials;
}

function failureOf(error: unknown, { address, proxy, credentials }: Attempt): RpcError {
  const { failure: cause } = credentials;
  const unavailable = (text: string, options = {}): RpcError =>
    new RpcError('UNAVAILABLE', `${address} ${text}`, options);
  if (cause instanceof CertificateError) return unavailable(`cannot be trusted: ${cause.message}`, { cause });
  if (cause instanceof ProxyError) return unavailable(`cannot be reached: ${cause.message}`, { cause });
  const text = cause ? `cannot be reached: ${failureText(cause)}` : messageOf(error);
  if (!proxy) return unavailable(text);
  if (credentials.hasTunnel) return unavailable(`${text}, through the proxy at ${proxyAddress(proxy)}`);
  const ofProxy = new ProxyError(`the proxy at ${proxyAddress(proxy)} ${text}`);
  return unavailable(`cannot be reached: ${ofProxy.message}`, { cause: ofProxy });
}

/** Gives up at the first failed attempt: the connection's owner decides when to try again. @throws Error naming the step that failed. */
async function ready(client: Client, timeoutMs: number): Promise<void> {
  const channel = client.getChannel();
  const deadlineMs = Date.now() + timeoutMs;
  for (let state = channel.getConnectivityState(true); ; state = channel.getConnectivityState(true)) {
    if (state === connectivityState.READY) return;
    if (state === connectivityState.TRANSIENT_FAILURE) throw new Error(`cannot be reached: ${await reasonOf(client)}`);
    if (!(await changed(channel, state, deadlineMs))) throw new Error(`did not answer within ${timeoutMs} ms`);
  }
}

function changed(
  channel: ReturnType<Client['getChannel']>,
  state: connectivityState,
  deadlineMs: number,
): Promise<boolean> {
  return new Promise((resolve) => channel.watchConnectivityState(state, deadlineMs, (error) => resolve(!error)));
}

/** Clearer words for the library's generic messages. */
const plainer: Readonly<Record<string, string>> = {
  'Failed to connect': 'the connection was closed before the server spoke HTTP/2',
  'Protocol error': 'what answers there does not speak HTTP/2',
  undefined: 'the connection was closed without a reason',
};

/** A channel does not expose the reason of its failure, but fails every call with it. */
function reasonOf(client: Client): Promise<string> {
  return new Promise((resolve) => {
    client.makeUnaryRequest('/', passBytes, passBytes, Buffer.alloc(0), new Metadata(), {}, (error) => {
      const details = error?.details || 'no reason is known';
      const told = /Last error: (?:Error: )?(.*?)\.? Resolution note/s.exec(details)?.[1] ?? details;
      const reason = told.replace(/ \(\d{4}-[\dTZ:.-]+\)$/, '').trim();
      resolve(plainer[reason] ?? reason);
    });
  });
}
