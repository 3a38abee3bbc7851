import type { ProxyServer } from '../../transport/rpc.ts';

/** What the doctor asks of the machine that it runs on; every promise rejects with the reason when the answer is no. */
export interface Probes {
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
  readFile(path: string): Promise<string>;
  listFolder(path: string): Promise<readonly string[]>;
  /** Undefined: nobody is to be asked. */
  readonly network: NetworkProbes | undefined;
}

/** Questions that go over a network; each is given up after a few seconds. */
export interface NetworkProbes {
  resolve(host: string): Promise<void>;
  /** Opens a connection as the sidecar does. @throws ProxyError when the proxy opens no tunnel. */
  connect(to: Endpoint, proxy?: ProxyServer): Promise<void>;
  /** Shakes hands over TLS. @throws ProbedCertificateError when the server's certificate is not accepted. */
  handshake(to: Endpoint, tls: ProbedTls, proxy?: ProxyServer): Promise<ServerCertificate>;
  /** Opens a gRPC connection with the sidecar's own code; no `tls`: plaintext. */
  openRpc(address: string, way: { readonly tls?: ProbedTls; readonly proxy?: ProxyServer }): Promise<void>;
  /** An HTTP request for a path; any status is an answer. */
  get(address: string, path: string): Promise<string>;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** `host:port`, an IPv6 host in brackets. */
  readonly address: string;
}

/** In PEM. */
export interface ProbedTls {
  readonly ca?: string | undefined;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
}

export interface ServerCertificate {
  /** Milliseconds since the Unix epoch. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** The server is there, and its certificate is not accepted. */
export class ProbedCertificateError extends Error {
  override readonly name = 'ProbedCertificateError';
}
