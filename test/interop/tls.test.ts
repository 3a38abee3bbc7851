import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import type { Connection, TlsFiles } from '../../src/transport/rpc.ts';
import { createAuthority } from '../transport/certificates.ts';
import { startProxy } from '../transport/http-proxy.ts';
import { failureOf } from '../transport/test-service.ts';
import { base64, mib, patterned, shown, texts } from './call-outcomes.ts';
import { endPeers, type PeerProcess, startClient, startServer } from './peer-process.ts';
import { type Description, fromJson, methods } from './peers/methods.ts';
import { buildDir } from './tools.ts';

const clients = ['grpc-go', "gRPC's C core", 'grpc-java', 'grpc-js'] as const;
const servers = ['grpc-go', "gRPC's C core", 'grpc-java', 'grpc-js', 'node:http2'] as const;

const local = { dns: 'localhost', ip: [127, 0, 0, 1] };
const authority = createAuthority('Test authority', 'ecdsa');
const serverTls = { ...authority.issue('bus', local), ca: authority.ca };
const clientTls = { ...authority.issue('plugin-a', { dns: 'plugin-a.test' }), ca: authority.ca };

afterEach(endPeers);

async function described(client: PeerProcess): Promise<Description> {
  const result = await client.call({ kind: 'unary', method: 'Describe', send: [''] });
  expect(result).toMatchObject({ code: 0 });
  return JSON.parse(texts(result)[0] ?? '');
}

async function dial(address: string, tls: TlsFiles, proxy?: { host: string; port: number }): Promise<Connection> {
  const connection = await grpcNetwork.connect(address, { timeoutMs: 10_000, maxMessageBytes: 4 * mib, tls, proxy });
  onTestFinished(() => connection.close());
  return connection;
}

describe.each(clients)('%s calls our server over mutual TLS:', (name) => {
  it('it is known by its certificate, and large messages pass', async () => {
    const server = await startServer('ours', { tls: serverTls });
    const client = startClient(name, server.address, { tls: clientTls });
    expect(await described(client)).toMatchObject({ principal: 'plugin-a' });
    const send = [base64(patterned(mib))];
    const { code, received } = await client.call({ kind: 'unary', method: 'Echo', send });
    expect([code, ...shown(received)]).toEqual([0, ...shown(send)]);
    const many = await client.call({ kind: 'many', total: 1_000, atOnce: 100, bytes: 256 });
    expect(many).toMatchObject({ codes: { 0: 1_000 }, unequal: 0 });
  });

  it('a certificate of another authority proves nothing, and is refused with a reason if it is sent', async () => {
    const server = await startServer('ours', { tls: serverTls });
    const stranger = createAuthority('Other', 'ecdsa').issue('stranger', { dns: 'stranger.test' });
    const client = startClient(name, server.address, { tls: { ...stranger, ca: authority.ca } });
    const refused = await client.call({ kind: 'unary', method: 'Describe', send: [''] });
    // Go and Java do not send a certificate of an authority that the server does not name.
    if (refused.code === 0) expect(JSON.parse(texts(refused)[0] ?? '')).not.toHaveProperty('principal');
    else expect([refused.code, refused.message]).toEqual([16, expect.stringContaining('not signed by a trusted')]);
  });

  it('a renewed certificate is shown to the next client, and the one before goes on', async () => {
    const server = await startServer('ours', { tls: serverTls });
    const before = startClient(name, server.address, { tls: clientTls });
    expect(await described(before)).toMatchObject({ connections: 1 });
    const other = createAuthority('Other', 'ecdsa');
    server.peer.order({ do: 'renew', tls: { ...other.issue('bus', local), ca: other.ca } });
    expect(await described(before)).toMatchObject({ principal: 'plugin-a', connections: 1 });
    const renewed = { ...other.issue('plugin-b', { dns: 'plugin-b.test' }), ca: other.ca };
    const after = startClient(name, server.address, { tls: renewed });
    expect(await described(after)).toMatchObject({ principal: 'plugin-b', connections: 2 });
    const late = startClient(name, server.address, { tls: clientTls });
    expect(await late.call({ kind: 'unary', method: 'Echo', send: [''] })).toMatchObject({ code: 14 });
  });
});

describe.each(servers)('our client calls a server of %s over mutual TLS:', (name) => {
  it('it is known by its certificate, and large messages pass', async () => {
    const server = await startServer(name, { tls: serverTls });
    const connection = await dial(server.address, clientTls);
    const description = await connection.unary(methods.describe, Buffer.alloc(0));
    expect(fromJson<Description>(description)).toMatchObject({ principal: 'plugin-a' });
    const request = patterned(mib);
    expect(Buffer.compare(await connection.unary(methods.echo, request), request)).toBe(0);
  });

  it('it does not trust a server of another authority, and says so', async () => {
    const server = await startServer(name, { tls: serverTls });
    const { ca } = createAuthority('Other', 'ecdsa');
    const failure = await failureOf(dial(server.address, { ...clientTls, ca }));
    expect(failure.message).toContain('cannot be trusted');
  });

  it('it goes through a proxy', async () => {
    const server = await startServer(name, { tls: serverTls });
    const proxy = await startProxy();
    onTestFinished(() => proxy.close());
    const connection = await dial(server.address, clientTls, { host: '127.0.0.1', port: proxy.port });
    const request = patterned(mib);
    expect(Buffer.compare(await connection.unary(methods.echo, request), request)).toBe(0);
    expect(proxy.requests).toEqual([expect.stringContaining(`CONNECT ${server.address} HTTP/1.1\r\n`)]);
  });
});

describe('the protocol that TLS agrees on', () => {
  const offering = async (protocols: readonly string[]): Promise<string | false | null> => {
    const { port } = await startServer('ours', { tls: serverTls });
    const socket = connect({ port: Number(port), host: '127.0.0.1', ca: authority.ca, ALPNProtocols: [...protocols] });
    onTestFinished(() => void socket.destroy());
    await once(socket, 'secureConnect');
    socket.on('error', () => {});
    return socket.alpnProtocol;
  };

  it('is h2, whatever else a client offers', async () => {
    expect(await offering(['http/1.1', 'h2'])).toBe('h2');
  });

  it('is none for a client that offers only http/1.1, and its handshake fails', async () => {
    await expect(offering(['http/1.1'])).rejects.toThrow(/no application protocol|alert number 120/i);
  });

  it('is refused to curl with HTTP/1.1, and given to it with HTTP/2', async () => {
    const server = await startServer('ours', { tls: serverTls });
    const caFile = path.join(buildDir, 'ca.pem');
    writeFileSync(caFile, authority.ca);
    const curl = (version: string) =>
      promisify(execFile)('curl', ['-sS', '--cacert', caFile, version, '-D', '-', `https://${server.address}/`]);
    expect((await curl('--http2')).stdout).toMatch(/^HTTP\/2 405/);
    await expect(curl('--http1.1')).rejects.toThrow(/alert|protocol/i);
  });
});
