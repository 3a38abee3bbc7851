import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import { type Connection, type Listener, type Network, serveStream, serveUnary } from '../../src/transport/rpc.ts';
import { principalOf } from '../../src/transport/tls/certificate.ts';
import { createAuthority } from './certificates.ts';
import { describeNetwork } from './network-suite.ts';
import { chat, collect, dial, echo, echoAll, failureOf, listen, serveEcho } from './test-service.ts';

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
    // A label of DNS has at most 63 letters, so the resolver refuses this one without asking any server.
    const address = `${'x'.repeat(64)}.invalid:1`;
    const failure = await failureOf(network.connect(address, { timeoutMs: 5_000, maxMessageBytes }));
    expect(failure.code).toBe('UNAVAILABLE');
    expect(failure.message).toContain(`${address} cannot be reached: Name resolution failed`);
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
    const socket = connectSocket(Number(listener.address.slice(colon + 1)), listener.address.slice(0, colon));
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
    [
      "the app of Cloud Foundry's instance identity",
      authority.issue('b6a4f2', { dns: 'b6a4f2', units: ['organization:o-1', 'space:s-1', 'app:a-1'] }),
      'organization:o-1/space:s-1/app:a-1',
    ],
    ['its app alone, where the platform tells no more', authority.issue('b6a4f2', { units: ['app:a-1'] }), 'app:a-1'],
    ['its common name when its units name no app', authority.issue('plugin-c', { units: ['space:s-1'] }), 'plugin-c'],
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
    expect(failure.message).toContain(
      'cannot be trusted: its certificate "bus" of issuer "Test authority" is not signed by a trusted authority',
    );
    expect(failure.cause).toMatchObject({ fault: 'untrusted' });
  });

  const past = { to: new Date('2021-01-01T00:00:00Z') };
  const future = { from: new Date('2048-01-01T00:00:00Z') };

  it.each([
    ['has expired', 'bus', { dns: 'localhost' }, past, 'expired at 2021-01-01T00:00:00.000Z', 'expired'],
    ['is not valid yet', 'bus', { dns: 'localhost' }, future, 'not valid before 2048-01-01T00:00:00', 'not-yet-valid'],
    ['is for another host', 'bus', { dns: 'bus.test' }, {}, 'is for DNS:bus.test', 'wrong-host'],
  ])('refuses a server whose certificate %s, and says so', async (_, name, names, valid, message, fault) => {
    const tls = authority.issue(name, names, valid);
    const listener = await network.listen('localhost:0', { routes: [serveEcho], maxMessageBytes, tls });
    const failure = await failureOf(dial(network, listener, { tls: { ca: authority.ca } }));
    expect(failure.code).toBe('UNAVAILABLE');
    expect(failure.message).toContain(message);
    expect(failure.cause).toMatchObject({ fault });
  });

  it('knows a server by its IP address, without sending that as a server name', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    const listener = await network.listen('127.0.0.1:0', { routes: [serveEcho], maxMessageBytes, tls: server });
    expect(await (await dial(network, listener, { tls: { ca: authority.ca } })).unary(echo, 1)).toBe(1);
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  it.each([
    [
      "another authority's certificate",
      createAuthority('Other').issue('stranger'),
      'not signed by a trusted authority',
    ],
    ['a certificate that only claims to be signed', createAuthority().issue('forger'), 'CERT_SIGNATURE_FAILURE'],
    ['an expired certificate', authority.issue('late', {}, past), '"late" of issuer "Test authority" expired at 2021-'],
    ['a certificate of the future', authority.issue('early', {}, future), 'is not valid before 2048-'],
  ])('refuses the calls of a client with %s, and tells both ends why', async (_, client, reason) => {
    const refusals: string[] = [];
    const listener = await network.listen('localhost:0', {
      routes: [servePrincipal, serveStream(chat, async () => expect.unreachable())],
      maxMessageBytes,
      tls: mutual,
      onRefused: (refusal) => refusals.push(refusal.reason),
    });
    const connection = await dial(network, listener, { tls: { ca: authority.ca, ...client } });
    const failures = [await failureOf(connection.unary(echo, null)), await failureOf(collect(connection.stream(chat)))];
    for (const failure of failures) {
      expect(failure.code).toBe('UNAUTHENTICATED');
      expect(failure.message).toContain(reason);
    }
    expect(refusals).toEqual([failures[0]?.message]);
  });

  it('refuses the next call of a connection whose client certificate has expired meanwhile', async () => {
    const client = authority.issue('brief', {}, { to: new Date(Date.now() + 3_600_000) });
    const connection = await dial(network, await bus(), { tls: { ca: authority.ca, ...client } });
    expect(await connection.unary(echo, null)).toEqual({ principal: 'brief' });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 7_200_000 });
    onTestFinished(() => void vi.useRealTimers());
    const failure = await failureOf(connection.unary(echo, null));
    expect(failure.code).toBe('UNAUTHENTICATED');
    expect(failure.message).toMatch(/"brief" of issuer "Test authority" expired at/);
  });

  it('gives a client without a certificate no principal', async () => {
    const connection = await dial(network, await bus(), { tls: { ca: authority.ca } });
    expect(await connection.unary(echo, null)).toEqual({ principal: null });
  });

  it('shows a new certificate to the next connection, and lets the open ones go on', async () => {
    const routes = [servePrincipal, serveStream(chat, echoAll)];
    const listener = await network.listen('localhost:0', { routes, maxMessageBytes, tls: mutual });
    const other = createAuthority('Other');
    const client = authority.issue('plugin-a');
    const before = await dial(network, listener, { tls: { ca: authority.ca, ...client } });
    const stream = before.stream(chat);
    listener.renewTls({ ...other.issue('bus', { dns: 'localhost' }), ca: other.ca });

    const renewed = { ca: other.ca, ...other.issue('plugin-a') };
    const after = await dial(network, listener, { tls: renewed });
    expect(await after.unary(echo, null)).toEqual({ principal: 'plugin-a' });
    expect((await failureOf(dial(network, listener, { tls: { ca: authority.ca } }))).message).toContain('be trusted');
    const stranger = await dial(network, listener, { tls: { ca: other.ca, ...client } });
    expect((await failureOf(stranger.unary(echo, null))).code).toBe('UNAUTHENTICATED');

    stream.write('still here');
    stream.end();
    expect(await collect(stream)).toEqual([{ echo: 'still here' }]);
    expect(await before.unary(echo, null)).toEqual({ principal: 'plugin-a' });
  });

  it('keeps the former certificate when the new one cannot be used', async () => {
    const listener = await bus();
    for (const tls of [{ ...server, key: authority.issue('other').key }, { certificate: server.certificate }]) {
      expect(() => listener.renewTls(tls)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    }
    expect(await (await dial(network, listener, { tls: { ca: authority.ca } })).unary(echo, null)).toBeDefined();
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
