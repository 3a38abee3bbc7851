import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import { principalOf } from '../../src/transport/grpc/peer.ts';
import { type Connection, type Listener, type Network, serveUnary } from '../../src/transport/rpc.ts';
import { createAuthority } from './certificates.ts';
import { describeNetwork } from './network-suite.ts';
import { dial, echo, failureOf, listen, serveEcho } from './test-service.ts';

const opened: (Connection | Listener)[] = [];

afterEach(() => {
  for (const end of opened.splice(0)) end.close();
});

/** Real sockets, closed after each test. */
const network: Network = {
  async connect(address, options) {
    const connection = await grpcNetwork.connect(address, options);
    opened.push(connection);
    return connection;
  },
  async listen(address, options) {
    const listener = await grpcNetwork.listen(address, options);
    opened.push(listener);
    return listener;
  },
};

const maxMessageBytes = 1_024;
const servePrincipal = serveUnary(echo, async (_, call) => ({ principal: call.peer.principal ?? null }));

describeNetwork('grpc', (story) => story(network));

describe('grpc: addresses', () => {
  it('listens and connects on IPv6, and shows the peer with brackets', async () => {
    const route = serveUnary(echo, async (_, call) => call.peer.address);
    const listener = await network.listen('[::1]:0', { routes: [route], maxMessageBytes });
    expect(listener.address).toMatch(/^\[::1\]:\d+$/);
    expect(await (await dial(network, listener)).unary(echo, null)).toMatch(/^\[::1\]:\d+$/);
  });

  it('listens on every interface when no host is given', async () => {
    const listener = await network.listen(':0', { routes: [serveEcho], maxMessageBytes });
    const port = listener.address.slice(listener.address.lastIndexOf(':') + 1);
    const connection = await network.connect(`127.0.0.1:${port}`, { timeoutMs: 5_000, maxMessageBytes });
    expect(await connection.unary(echo, 1)).toBe(1);
  });

  it.each(['localhost', '127.0.0.1:http', '127.0.0.1:65536', '::1:80'])('refuses to listen at %s', async (address) => {
    const failure = await failureOf(network.listen(address, { routes: [], maxMessageBytes }));
    expect([failure.code, failure.message]).toEqual(['UNAVAILABLE', `${address} cannot be bound: it is not host:port`]);
  });

  it('says why a host that does not exist cannot be reached', async () => {
    const failure = await failureOf(network.connect('no-such-host.invalid:1', { timeoutMs: 5_000, maxMessageBytes }));
    expect(failure.code).toBe('UNAVAILABLE');
    expect(failure.message).toContain('no-such-host.invalid:1 cannot be reached: Name resolution failed');
  });

  it('gives up on a peer that accepts the connection and says nothing', async () => {
    const held: Socket[] = [];
    const mute = createServer((socket) => held.push(socket));
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const address = `127.0.0.1:${(mute.address() as AddressInfo).port}`;
    const failure = await failureOf(network.connect(address, { timeoutMs: 100, maxMessageBytes }));
    expect([failure.code, failure.message]).toEqual(['UNAVAILABLE', `${address} did not answer within 100 ms`]);
    for (const socket of held) socket.destroy();
    mute.close();
  });

  it('closes even while a client that never speaks is connected', async () => {
    const listener = await listen(network, [serveEcho]);
    const colon = listener.address.lastIndexOf(':');
    const socket = connectSocket(Number(listener.address.slice(colon + 1)), '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    await dial(network, listener);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {}).resume();
    listener.close();
    await closed;
  });
});

describe('grpc: TLS', () => {
  const authority = createAuthority();
  const server = authority.issue('bus', { dns: 'localhost', ip: [127, 0, 0, 1] });
  const mutual = { ...server, ca: authority.ca };
  const bus = () => network.listen('localhost:0', { routes: [servePrincipal], maxMessageBytes, tls: mutual });

  it.each([
    ['its URI', authority.issue('plugin-a', { uri: 'spiffe://test/plugin-a' }), 'spiffe://test/plugin-a'],
    ['its common name when it has no URI', authority.issue('plugin-b', { dns: 'b.test' }), 'plugin-b'],
  ])('knows a client with a certificate by %s', async (_, client, principal) => {
    const connection = await dial(network, await bus(), { tls: { ca: authority.ca, ...client } });
    expect(await connection.unary(echo, null)).toEqual({ principal });
  });

  it('needs no client certificate when the listener has no authority', async () => {
    const listener = await network.listen('localhost:0', { routes: [servePrincipal], maxMessageBytes, tls: server });
    const connection = await dial(network, listener, { tls: { ca: authority.ca } });
    expect(await connection.unary(echo, null)).toEqual({ principal: null });
  });

  it("refuses a server whose certificate is not the authority's, and says so", async () => {
    const failure = await failureOf(dial(network, await bus(), { tls: { ca: createAuthority().ca } }));
    expect(failure.code).toBe('UNAVAILABLE');
    expect(failure.message).toMatch(/cannot be reached: .*(certificate|signature)/);
  });

  it.each([
    ['without a certificate', {}],
    ["with another authority's certificate", createAuthority().issue('stranger')],
  ])('refuses a client %s', async (_, client) => {
    const listener = await bus();
    const attempt = async (): Promise<unknown> => {
      const connection = await dial(network, listener, { tls: { ca: authority.ca, ...client } });
      return connection.unary(echo, null);
    };
    expect((await failureOf(attempt())).code).toBe('UNAVAILABLE');
  });

  it.each([
    ['a key that is no PEM', { certificate: server.certificate, key: 'secret-but-no-pem' }],
    ['a certificate that is no PEM', { certificate: 'none', key: server.key }],
    ["another certificate's key", { certificate: server.certificate, key: authority.issue('other').key }],
  ])('refuses %s at both ends, without showing it', async (_, tls) => {
    const listening = await failureOf(network.listen('localhost:0', { routes: [], maxMessageBytes, tls }));
    const connecting = await failureOf(dial(network, await bus(), { tls: { ca: authority.ca, ...tls } }));
    for (const failure of [listening, connecting]) {
      expect(failure.code).toBe('INVALID_ARGUMENT');
      expect(failure.message).toMatch(/^the TLS key or certificates cannot be used: /);
      expect(failure.message).not.toContain('secret');
    }
  });

  it('refuses to listen with TLS and no key', async () => {
    const tls = { certificate: server.certificate };
    const failure = await failureOf(network.listen('localhost:0', { routes: [], maxMessageBytes, tls }));
    expect(failure.message).toBe('listening with TLS needs a key and a certificate');
  });

  it('refuses a plaintext client', async () => {
    expect((await failureOf(dial(network, await bus(), { timeoutMs: 2_000 }))).code).toBe('UNAVAILABLE');
  });
});

describe('grpc: the principal of a certificate', () => {
  it.each([
    ['a URI before all else', 'DNS:a.test, URI:spiffe://x/y', 'name', 'spiffe://x/y'],
    ['the common name', 'DNS:a.test', 'name', 'name'],
    ['a DNS name when there is no common name', 'IP Address:10.0.0.1, DNS:a.test', undefined, 'a.test'],
    ['no URI that hides inside a quoted DNS name', 'DNS:"a, URI:spiffe://evil"', 'name', 'name'],
    ['nothing when there is nothing', '', undefined, undefined],
  ])('is %s', (_, subjectaltname, commonName, expected) => {
    const subject = { C: '', ST: '', L: '', O: '', OU: '', CN: commonName as string };
    expect(principalOf({ subject, subjectaltname })).toBe(expected);
  });
});
