import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { isLoopbackAddress } from '../../base/loopback.ts';
import type { Scheduler } from '../../base/time/scheduler.ts';
import { messageOf } from '../../base/user-facing-error.ts';
import type { TlsFiles } from '../../transport/rpc.ts';
import { RpcError } from '../../transport/status.ts';
import { principalOf } from '../../transport/tls/certificate.ts';
import type { RequireAdmin } from '../access/admin.ts';
import { consoleLimits } from './console-limits.ts';
import type { ConsolePage, ConsolePages } from './console-pages.ts';

/** The texts that a browser loads, by path. */
export type ConsoleFiles = Readonly<Record<string, { readonly contentType: string; readonly text: string }>>;

export interface ConsoleServerOptions {
  readonly host: string | undefined;
  readonly port: number;
  readonly files: ConsoleFiles;
  readonly pages: ConsolePages;
  readonly scheduler: Scheduler;
  /** Present: readers prove that they are administrators. Absent: it listens on loopback, and everybody there may read. */
  readonly access: { readonly tls: TlsFiles; readonly requireAdmin: RequireAdmin } | undefined;
}

export interface ConsoleServer {
  readonly port: number;
  /** Sets the certificate and CA of new connections. */
  renewTls(tls: TlsFiles): void;
  close(): Promise<void>;
}

const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const headers = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const;

/** Serves the page and its events. It changes nothing at the bus. @throws the system's error if the address cannot be bound. */
export function serveConsole(options: ConsoleServerOptions): Promise<ConsoleServer> {
  const { host, port, pages, access } = options;
  const answer = (request: IncomingMessage, response: ServerResponse): void => reply(options, request, response);
  const limits = { maxHeaderSize: consoleLimits.requestBytes, requestTimeout: 10_000, headersTimeout: 10_000 };
  const server: Server = access
    ? createTlsServer({ ...limits, ...secureOptions(access.tls) }, answer)
    : createServer(limits, answer);
  server.maxConnections = consoleLimits.connections;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      // A connection that the system could not accept.
      server.on('error', () => {});
      resolve({
        port: (server.address() as AddressInfo).port,
        renewTls(tls) {
          if ('setSecureContext' in server)
            (server as ReturnType<typeof createTlsServer>).setSecureContext(secureOptions(tls));
        },
        close() {
          pages.close();
          return new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          });
        },
      });
    });
  });
}

function secureOptions({ ca, certificate, key }: TlsFiles) {
  return {
    ...(certificate !== undefined && { cert: certificate }),
    ...(key !== undefined && { key }),
    ...(ca !== undefined && { ca }),
    minVersion: 'TLSv1.2',
    // A reader without a certificate may have a token.
    ...(ca !== undefined && { requestCert: true, rejectUnauthorized: false }),
  } as const;
}

function reply(options: ConsoleServerOptions, request: IncomingMessage, response: ServerResponse): void {
  const refused = refusalOf(options, request);
  const [path = ''] = (request.url ?? '').split('?');
  const file = Object.hasOwn(options.files, path) ? options.files[path] : undefined;
  if (refused) refuse(response, refused);
  else if (path === '/events') stream(options, request, response);
  else if (!file) refuse(response, { status: 404, reason: 'nothing here; the console is at /' });
  else {
    response.writeHead(200, { ...headers, 'content-type': file.contentType });
    response.end(request.method === 'HEAD' ? undefined : file.text);
  }
}

interface HttpRefusal {
  readonly status: 401 | 403 | 404 | 405 | 503;
  readonly reason: string;
}

/** What is wrong with a request, whatever it asks for. */
function refusalOf(
  { access }: ConsoleServerOptions,
  { method, headers: sent }: IncomingMessage,
): HttpRefusal | undefined {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, reason: 'the console only shows: GET and HEAD' };
  // A name that its owner lets lead to this machine would make the pages of another site ours: https://en.wikipedia.org/wiki/DNS_rebinding
  const { host = '' } = sent;
  if (!access && !isLoopbackAddress(/:\d+$/.test(host) ? host : `${host}:80`)) {
    return { status: 403, reason: 'the console answers to localhost, 127.0.0.1 and [::1] alone' };
  }
  const site = sent['sec-fetch-site'] ?? 'none';
  const isNavigation = sent['sec-fetch-mode'] === 'navigate';
  if (site !== 'none' && site !== 'same-origin' && !isNavigation) {
    return { status: 403, reason: 'the console answers to its own page alone' };
  }
  return undefined;
}

function refuse(response: ServerResponse, { status, reason }: HttpRefusal): void {
  response.writeHead(status, {
    ...headers,
    'content-type': 'text/plain; charset=utf-8',
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
    ...(status === 405 && { allow: 'GET, HEAD' }),
  });
  response.end(`${reason}\n`);
}

/** Why the reader may not see the bus. Undefined: it may. */
function accessRefusal(
  { access }: ConsoleServerOptions,
  { headers: sent, socket }: IncomingMessage,
): HttpRefusal | undefined {
  if (!access) return undefined;
  const { authorized, ...tls } = { authorized: (socket as TLSSocket).authorized, socket: socket as TLSSocket };
  const principal = authorized ? principalOf(tls.socket.getPeerCertificate()) : undefined;
  const { authorization } = sent;
  const peer = { address: `${socket.remoteAddress}:${socket.remotePort}`, principal };
  try {
    if (principal === undefined && authorization === undefined) {
      return { status: 401, reason: 'the console asks for the credential of an administrator' };
    }
    access.requireAdmin({ peer, metadata: authorization === undefined ? {} : { authorization } });
    return undefined;
  } catch (error) {
    const status = RpcError.from(error).code === 'PERMISSION_DENIED' ? 403 : 401;
    return {
      status,
      reason: status === 403 ? messageOf(error).split(':', 1).join() : 'the credential is not accepted',
    };
  }
}

function stream(options: ConsoleServerOptions, request: IncomingMessage, response: ServerResponse): void {
  const { pages, scheduler } = options;
  const refused = accessRefusal(options, request);
  if (refused || pages.isFull) {
    refuse(response, refused ?? { status: 503, reason: `${consoleLimits.pages} pages of the console are open` });
    return;
  }
  response.writeHead(200, { ...headers, 'content-type': 'text/event-stream; charset=utf-8' });
  let lastReadMs = scheduler.nowMs();
  const page: ConsolePage = {
    mayRead: () => !accessRefusal(options, request) && scheduler.nowMs() - lastReadMs < consoleLimits.unreadMs,
    send(event, data) {
      if (response.writableLength === 0) lastReadMs = scheduler.nowMs();
      if (response.writableLength < consoleLimits.unsentBytes) response.write(`event: ${event}\ndata: ${data}\n\n`);
    },
    end: () => response.destroy(),
  };
  response.once('close', pages.open(page));
}
