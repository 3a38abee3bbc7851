import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HealthReply } from './health-report.ts';

export interface HealthServer {
  /** The port that was really bound. */
  readonly port: number;
  close(): Promise<void>;
}

/** Binds the health server. @throws the system's error when the address cannot be bound. */
export type ServeHealth = (
  address: { readonly host: string | undefined; readonly port: number },
  reply: (path: string) => Promise<HealthReply>,
) => Promise<HealthServer>;

/** Answers probes over HTTP/1.1. */
export const serveHealth: ServeHealth = (address, reply) =>
  new Promise((resolve, reject) => {
    const server = createServer((request, response) => {
      // Whoever reaches the port may send any target, so it is not parsed as a URL, which could throw.
      const [path = ''] = (request.url ?? '').split('?', 1);
      reply(path).then(
        ({ status, body, contentType }) => response.writeHead(status, { 'content-type': contentType }).end(body),
        () => response.writeHead(500).end(),
      );
    });
    server.once('error', reject);
    server.listen(address.port, address.host, () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
