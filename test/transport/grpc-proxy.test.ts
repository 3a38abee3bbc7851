import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Secret } from '../../src/contract/config/bus/secret.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import { ProxyError } from '../../src/transport/http-tunnel.ts';
import type { ConnectOptions } from '../../src/transport/rpc.ts';
import { createAuthority } from './certificates.ts';
import { type Behaviour, brokenProxies, type HttpProxy, startProxy, tunnels, tunnelsFor } from './http-proxy.ts';
import { echo, failureOf, serveEcho } from './test-service.ts';

const maxMessageBytes = 1_024;

afterEach(() => vi.unstubAllEnvs());

async function proxy(behave: Behaviour = tunnels): Promise<HttpProxy> {
  const started = await startProxy(behave);
  onTestFinished(() => started.close());
  return started;
}

async function serve(tls?: ConnectOptions['tls']): Promise<string> {
  const listener = await grpcNetwork.listen('127.0.0.1:0', {
    routes: [serveEcho],
    maxMessageBytes,
    ...(tls && { tls }),
  });
  onTestFinished(() => listener.close());
  return listener.address;
}

async function echoed(address: string, more: Partial<ConnectOptions> = {}): Promise<unknown> {
  const connection = await grpcNetwork.connect(address, { timeoutMs: 5_000, maxMessageBytes, ...more });
  onTestFinished(() => connection.close());
  return await connection.unary(echo, 'hello');
}

const through = ({ port }: HttpProxy, credentials?: string): Partial<ConnectOptions> => ({
  proxy: {
    host: '127.0.0.1',
    port,
    ...(credentials !== undefined && { credentials: new Secret(credentials) }),
  },
});

describe('grpc: a proxy', () => {
  it.each(['grpc_proxy', 'https_proxy', 'http_proxy', 'all_proxy', 'HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY'])(
    'in the variable %s of the environment is not asked',
    async (name) => {
      const other = await proxy(() => {});
      vi.stubEnv('no_proxy', undefined);
      vi.stubEnv(name, `http://${other.address}`);
      const address = (await serve()).replace('127.0.0.1', '127.0.0.2');
      const failure = await failureOf(grpcNetwork.connect(address, { timeoutMs: 5_000, maxMessageBytes }));
      expect(failure.message).toBe(`${address} cannot be reached: connect ECONNREFUSED ${address}`);
      expect(other.connections).toBe(0);
    },
  );

  it('that is given tunnels to the server, whose name it resolves, and is told nothing else', async () => {
    const used = await proxy((client, asked) => tunnels(client, { ...asked, host: '127.0.0.1' }));
    const port = (await serve()).split(':')[1];
    expect(await echoed(`bus.test:${port}`, through(used))).toBe('hello');
    expect(used.requests).toEqual([`CONNECT bus.test:${port} HTTP/1.1\r\nhost: bus.test:${port}\r\n\r\n`]);
  });

  it('leaves TLS between the two ends', async () => {
    const authority = createAuthority();
    const used = await proxy((client, asked) => tunnels(client, { ...asked, host: '127.0.0.1' }));
    const port = (await serve(authority.issue('bus', { dns: 'bus.test' }))).split(':')[1];
    const tls = { ca: authority.ca };
    expect(await echoed(`bus.test:${port}`, { tls, ...through(used) })).toBe('hello');
    const failure = await failureOf(echoed(`other.test:${port}`, { tls, ...through(used) }));
    expect(failure.message).toMatch(
      /^other\.test:\d+ cannot be trusted: its certificate "bus" .* is for DNS:bus\.test$/,
    );
  });

  it('gets the user and the password, and is told apart from one that accepts neither', async () => {
    const used = await proxy(tunnelsFor('me:p@ss:word'));
    const address = await serve();
    expect(await echoed(address, through(used, 'me:p@ss:word'))).toBe('hello');
    const wrong = await failureOf(echoed(address, through(used, 'me:other')));
    expect(wrong.message).toMatch(/refuses the tunnel with 407 Proxy .*: it does not accept the user and password$/);
    const none = await failureOf(echoed(address, through(used)));
    expect(none.message).toMatch(/with 407 Proxy Authentication Required: it asks for a user and a password$/);
    expect(`${wrong.message}${none.message}`).not.toContain('other');
  });

  it.each(brokenProxies)('that %s is the reason that the error gives', async (_, behave, reason) => {
    const broken = await proxy(behave);
    const address = await serve();
    const failure = await failureOf(echoed(address, { ...through(broken), timeoutMs: 500 }));
    expect([failure.code, failure.message]).toEqual(['UNAVAILABLE', expect.stringMatching(reason)]);
    expect(failure.message).toContain(`the proxy at ${broken.address}`);
    expect(failure.message).not.toMatch(/undefined|\p{Cc}/u);
  });

  it('that is not there is the cause of the error', async () => {
    const gone = await proxy();
    gone.close();
    const failure = await failureOf(echoed('bus.test:1', through(gone)));
    expect(failure.message).toBe(
      `bus.test:1 cannot be reached: the proxy at ${gone.address} cannot be reached: connect ECONNREFUSED ${gone.address}`,
    );
    expect(failure.cause).toBeInstanceOf(ProxyError);
  });
});
