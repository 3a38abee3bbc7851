import { lookup } from 'node:dns/promises';
import { isIP, type Socket, connect as tcpConnect } from 'node:net';
import { type PeerCertificate, connect as tlsConnect } from 'node:tls';
import { type Scheduler, sleep } from '../base/scheduler.ts';
import { messageOf } from '../base/user-facing-error.ts';
import { type Endpoint, type NetworkProbes, ProbedCertificateError, type ServerCertificate } from './probes.ts';

/** Asks over this machine's network, and gives each question up after `timeoutMs`. */
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
    connect: (to) => inTime((signal) => opened(tcpConnect({ ...to }), 'connect', signal)),
    handshake: (to, { ca, certificate, key }) =>
      inTime(async (signal) => {
        const socket = tlsConnect({ ...to, ...serverName(to), ca, cert: certificate, key, ALPNProtocols: ['h2'] });
        await opened(socket, 'secureConnect', signal).catch((error: unknown) => {
          throw isOfCertificate(error) ? new ProbedCertificateError(messageOf(error), { cause: error }) : error;
        });
        return lifetimeOf(socket.getPeerCertificate());
      }),
    get: (address, path) =>
      inTime(async (signal) => {
        const reply = await fetch(`http://${address}${path}`, { signal }).catch((error: unknown) => {
          throw error instanceof Error && error.cause !== undefined ? error.cause : error;
        });
        return await reply.text();
      }),
  };
}

/** Resolves with the event; the socket ends with the signal. */
function opened(socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<void> {
  signal.addEventListener('abort', () => socket.destroy(), { once: true });
  return new Promise((resolve, reject) => {
    socket.once(event, resolve);
    socket.once('error', reject);
  });
}

/** An address is no name that a server could be asked for. */
function serverName({ host }: Endpoint): { readonly servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {};
}

/** OpenSSL's reasons to refuse a certificate have codes of their own; those of sockets begin with E, of the protocol with ERR_SSL. */
function isOfCertificate(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /CERT|SIGNATURE|ISSUER/.test(code) && !code.startsWith('ERR_SSL');
}

/** Node gives `Dec 31 23:59:59 2049 GMT`. */
function lifetimeOf({ valid_from, valid_to }: PeerCertificate): ServerCertificate {
  return { fromMs: Date.parse(valid_from), toMs: Date.parse(valid_to) };
}
