import { once } from 'node:events';
import http, { type RequestListener, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  readonly url: string;
  readonly authorization: string | undefined;
}

export interface DownloadServer {
  /** Without a path, such as `http://127.0.0.1:40123`. */
  readonly origin: string;
  readonly seen: SeenRequest[];
  stop(): Promise<void>;
}

export type Answer = (response: ServerResponse) => void;

/** Sends the whole file. */
export const bytes =
  (content: Buffer): Answer =>
  (response) =>
    response.end(content);

/** Answers with nothing but a status. */
export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end();

/** Sends the first half and cuts the connection. */
export const cut =
  (content: Buffer): Answer =>
  (response) => {
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, content.length / 2), () => response.destroy());
  };

/** Sends the first half and then nothing more. */
export const stall =
  (content: Buffer): Answer =>
  (response) => {
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, content.length / 2));
  };

/** Starts a server that gives each request the next answer, and the last one to all that follow. */
export async function serveDownloads(
  answers: readonly Answer[],
  tls?: { readonly cert: string; readonly key: string },
): Promise<DownloadServer> {
  const seen: SeenRequest[] = [];
  const listener: RequestListener = (request, response) => {
    const answer = answers[Math.min(seen.length, answers.length - 1)];
    seen.push({ url: request.url ?? '', authorization: request.headers.authorization });
    answer?.(response);
  };
  const server = tls ? https.createServer(tls, listener) : http.createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    origin: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    seen,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
