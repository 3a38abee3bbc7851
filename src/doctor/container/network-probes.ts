import { lookup } from 'node:dns/promises';
import { isIP, type Socket, connect as tcpConnect } from 'node:net';
import { type PeerCertificate, connect as tlsConnect } from 'node:tls';
import { type Scheduler, sleep } from '../../base/time/scheduler.ts';
import { messageOf } from '../../base/user-facing-error.ts';
import { limits } from '../../contract/wire/limits.ts';
import { failureText } from '../../transport/failure-text.ts';
import { grpcNetwork } from '../../transport/grpc/network.ts';
import { httpGet } from '../../transport/http/http-get.ts';
import { openTunnel, ProxyError, proxyAddress } from '../../transport/http-tunnel.ts';
import type { ProxyServer, TlsFiles } from '../../transport/rpc.ts';
import {
  type Endpoint,
  type NetworkProbes,
  ProbedCertificateError,
  type ProbedTls,
  type ServerCertificate,
} from './probes.ts';

/** Probes over this machine's network. Each probe ends after `timeoutMs`. */
export function networkProbes(scheduler: Scheduler, timeoutMs: number): NetworkProbes {
  const inTime = async <T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const over = new AbortController();
    const late = sleep(scheduler, timeoutMs, over.signal).then((): never => {
      throw new Error(`no answer within ${timeoutMs / 1_000} s`);
    });
    try {
      return await Promise.race([ask(over.signal), late]);
    } finally {
      over.abort();
    }
  };
  return {
    resolve: (host) => inTime(async () => void (await lookup(host))),
    connect: (to, proxy) => inTime(async (signal) => void endWith(signal, await socketTo(to, proxy, signal))),
    handshake: (to, { ca, certificate, key }, proxy) =>
      inTime(async (signal) => {
        const raw = await socketTo(to, proxy, signal);
        const tls = { ca, cert: certificate, key, ALPNProtocols: ['h2'] };
        const socket = tlsConnect({ socket: raw, host: to.host, ...serverName(to), ...tls });
        endWith(signal, socket);
        await opened(socket, 'secureConnect').catch((error: unknown) => {
          const reason = failureText(error);
          throw isOfCertificate(error)
            ? new ProbedCertificateError(reason, { cause: error })
            : new Error(reason, { cause: error });
        });
        return lifetimeOf(socket.getPeerCertificate());
      }),
    openRpc: async (address, { tls, proxy }) => {
      const options = { timeoutMs, maxMessageBytes: limits.messageBytes, proxy, ...(tls && { tls: given(tls) }) };
      (await grpcNetwork.connect(address, options)).close();
    },
    get: (address, path) => inTime(async (signal) => (await httpGet(`http://${address}${path}`, signal)).body),
  };
}

/**
 * Connects as the sidecar does: directly, or through a tunnel of the proxy. The caller must close the socket by its outermost
 * layer: destroying a socket below TLS ends the process, because of a bug in Node.
 */
async function socketTo(to: Endpoint, proxy: ProxyServer | undefined, signal: AbortSignal): Promise<Socket> {
  const { host, port } = proxy ?? to;
  const socket = tcpConnect({ host, port });
  const giveUp = endWith(signal, socket);
  await opened(socket, 'connect').catch((error: unknown) => {
    throw proxy ? new ProxyError(`the proxy at ${proxyAddress(proxy)} cannot be reached: ${messageOf(error)}`) : error;
  });
  if (proxy) await openTunnel(socket, to.address, proxy);
  signal.removeEventListener('abort', giveUp);
  return socket;
}

/** @returns the listener, for a caller that removes it. */
function endWith(signal: AbortSignal, socket: Socket): () => void {
  const end = (): void => void socket.destroy();
  signal.addEventListener('abort', end, { once: true });
  return end;
}

function given({ ca, certificate, key }: ProbedTls): TlsFiles {
  return {
    ...(ca !== undefined && { ca }),
    ...(certificate !== undefined && { certificate }),
    ...(key !== undefined && { key }),
  };
}

function opened(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, resolve);
    socket.once('error', reject);
  });
}

/** An IP address is not valid as a server name. */
function serverName({ host }: Endpoint): { readonly servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {};
}

/** OpenSSL's certificate errors have codes of their own; those of sockets begin with E, those of the protocol with ERR_SSL. */
function isOfCertificate(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /CERT|SIGNATURE|ISSUER/.test(code) && !code.startsWith('ERR_SSL');
}

/** Node's format is `Dec 31 23:59:59 2049 GMT`. */
function lifetimeOf({ valid_from, valid_to }: PeerCertificate): ServerCertificate {
  return { fromMs: Date.parse(valid_from), toMs: Date.parse(valid_to) };
}
