import type { ProxyServer } from '../../transport/rpc.ts';

/** The doctor's questions to the machine that it runs on. Every promise rejects with the reason when the answer is negative. */
export interface Probes {
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
  readFile(path: string): Promise<string>;
  listFolder(path: string): Promise<readonly string[]>;
  /** Undefined: nothing is asked over the network. */
  readonly network: NetworkProbes | undefined;
}

/** Questions that go over a network; each ends after a few seconds. */
export interface NetworkProbes {
  resolve(host: string): Promise<void>;
  /** Opens a connection as the sidecar does. @throws ProxyError when the proxy opens no tunnel. */
  connect(to: Endpoint, proxy?: ProxyServer): Promise<void>;
  /** Does a TLS handshake. @throws ProbedCertificateError when the server's certificate is not accepted. */
  handshake(to: Endpoint, tls: ProbedTls, proxy?: ProxyServer): Promise<ServerCertificate>;
  /** Opens a gRPC connection with the sidecar's own code; without `tls`: plaintext. */
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

/** The server answers, and its certificate is not accepted. */
export class ProbedCertificateError extends Error {
  override readonly name = 'ProbedCertificateError';
}
