import type { ClientOptions } from '@grpc/grpc-js';
import { Client, connectivityState, Metadata } from '@grpc/grpc-js';
import type { Connection, ConnectOptions } from '../rpc.ts';
import { RpcError } from '../status.ts';
import { clientCredentials, type TlsClientCredentials } from './client-credentials.ts';
import { GrpcConnection } from './connection.ts';
import { passBytes } from './duplex-end.ts';

/** The longest that Node's timers can wait. */
const neverMs = 2 ** 31 - 1;

/** Opens one connection; it has been established when the promise resolves. */
export async function connect(address: string, options: ConnectOptions): Promise<Connection> {
  // Without the scheme, a host called `unix` or `dns` would be taken for one.
  const credentials = clientCredentials(options.tls, hostOf(address));
  const client = new Client(`dns:${address}`, credentials, clientOptions(address, options));
  try {
    await ready(client, address, options.timeoutMs);
  } catch (error) {
    client.close();
    const { refusal } = credentials as Partial<TlsClientCredentials>;
    if (!refusal) throw error;
    throw new RpcError('UNAVAILABLE', `${address} cannot be trusted: ${refusal.message}`, { cause: refusal });
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
    // A peer that vanished without closing its socket is noticed within twenty seconds.
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.keepalive_permit_without_calls': 1,
    ...(isLoopback(address) ? { 'grpc.enable_http_proxy': 0 } : {}),
  };
}

/** The host that the server's certificate must be for, without the brackets of an IPv6 address. */
function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
}

function isLoopback(address: string): boolean {
  return /^(localhost|127\.[\d.]+|\[::1\]):\d+$/.test(address);
}

/** Gives up at the first failed attempt: when to try again is the owner's decision. */
async function ready(client: Client, address: string, timeoutMs: number): Promise<void> {
  const channel = client.getChannel();
  const deadlineMs = Date.now() + timeoutMs;
  for (let state = channel.getConnectivityState(true); ; state = channel.getConnectivityState(true)) {
    if (state === connectivityState.READY) return;
    if (state === connectivityState.TRANSIENT_FAILURE) {
      throw new RpcError('UNAVAILABLE', `${address} cannot be reached: ${await failureOf(client)}`);
    }
    if (!(await changed(channel, state, deadlineMs))) {
      throw new RpcError('UNAVAILABLE', `${address} did not answer within ${timeoutMs} ms`);
    }
  }
}

function changed(
  channel: ReturnType<Client['getChannel']>,
  state: connectivityState,
  deadlineMs: number,
): Promise<boolean> {
  return new Promise((resolve) => channel.watchConnectivityState(state, deadlineMs, (error) => resolve(!error)));
}

/** A channel keeps the reason of its failure to itself, but fails every call with it. */
function failureOf(client: Client): Promise<string> {
  return new Promise((resolve) => {
    client.makeUnaryRequest('/', passBytes, passBytes, Buffer.alloc(0), new Metadata(), {}, (error) => {
      const details = error?.details ?? 'no reason given';
      resolve(/Last error: (?:Error: )?(.*?)\.? Resolution note/s.exec(details)?.[1] ?? details);
    });
  });
}
