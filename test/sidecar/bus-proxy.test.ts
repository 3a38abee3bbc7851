import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import {
  type Behaviour,
  brokenProxies,
  type HttpProxy,
  startProxy,
  tunnels,
  tunnelsFor,
} from '../transport/http-proxy.ts';
import { ownLoopback } from './own-loopback.ts';
import { connectPlugin } from './plugins.ts';
import { endAll, runCliWith, spawnSidecar, startBus, startSidecar, writeTemporary } from './processes.ts';
import { authority, CertificateFiles, certificateEnvironment, startSecuredBus } from './secured-bus.ts';

afterEach(endAll);

async function proxy(behave: Behaviour = tunnels): Promise<HttpProxy> {
  const started = await startProxy(behave);
  onTestFinished(() => started.close());
  return started;
}

/** As Docker puts them into each container, and platforms into each app. */
function proxiesOfTheApp(address: string): Record<string, string> {
  const names = ['http_proxy', 'https_proxy', 'all_proxy', 'grpc_proxy'];
  return Object.fromEntries(
    names.flatMap((name) => [name, name.toUpperCase()].map((each) => [each, `http://${address}`] as const)),
  );
}

const once = { SIDECAR_CONNECT_TIMEOUT: '900ms' };

describe('the bus', () => {
  test('is reached directly, whatever proxies the environment of the app names', async () => {
    const dead = await proxy(() => {});
    const bus = await startBus();
    const environment = { ...proxiesOfTheApp(dead.address), NODE_USE_ENV_PROXY: '1' };
    const sidecar = await startSidecar(bus.address, environment);
    const plugin = await connectPlugin(sidecar.address);
    await plugin.stop('done');
    const status = runCliWith(environment, 'status', '--address', sidecar.healthUrl.slice('http://'.length));
    expect([await status.exited, status.stderr]).toEqual([0, '']);
    const grants = runCliWith({ ...environment, SIDECAR_BUS_API_URL: bus.address }, 'bus', 'grants', 'list');
    await grants.exited;
    expect(grants.stderr).not.toContain('grants/bus/unreachable');
    expect(dead.connections).toBe(0);
  });

  test('is reached through SIDECAR_BUS_PROXY, whose password is shown nowhere', async () => {
    const used = await proxy(tunnelsFor('me:very-secret'));
    const bus = await startBus(`${ownLoopback}:0`);
    const SIDECAR_BUS_PROXY = `http://me:very%2Dsecret@${used.address}`;
    const { program } = await startSidecar(bus.address, { SIDECAR_BUS_PROXY, SIDECAR_LOG_LEVEL: 'debug' });
    expect(program.stdout).toMatch(new RegExp(`sidecar starts .*busProxy=${used.address} `));
    expect(program.output).not.toMatch(/very-secret|very%2Dsecret/);
    expect(used.requests).toHaveLength(1);
    const doctor = runCliWith({ SIDECAR_BUS_PROXY, SIDECAR_BUS_API_URL: bus.address, POOL_TYPE: 'OMSPool' }, 'doctor');
    await doctor.exited;
    expect(doctor.stdout).toContain(`accepts connections, without TLS, through the proxy at ${used.address}.`);
    expect(doctor.stdout).toMatch(new RegExp(`^SIDECAR_BUS_PROXY +${used.address} +environment$`, 'm'));
    expect(doctor.output).not.toMatch(/very-secret|very%2Dsecret/);
  });

  test('is reached over TLS through the proxy that SIDECAR_CONFIG names', async () => {
    const used = await proxy();
    const bus = await startSecuredBus();
    const { program } = await startSidecar(bus.address, {
      ...certificateEnvironment(new CertificateFiles(authority.issue('plugin-a'))),
      SIDECAR_CONFIG: writeTemporary('sidecar.yml', `bus_proxy: http://${used.address}\n`),
    });
    expect(program.stderr).toBe('');
    expect(used.requests).toHaveLength(1);
  });
});

describe('a proxy', () => {
  test.each(brokenProxies)('that %s ends the start with 69, and doctor says the same', async (_, behave, reason) => {
    const broken = await proxy(behave);
    const bus = await startBus();
    const environment = { SIDECAR_BUS_PROXY: `http://me:very-secret@${broken.address}`, POOL_TYPE: 'OMSPool' };
    const sidecar = spawnSidecar(bus.address, { ...environment, ...once });
    const doctor = runCliWith({ ...environment, INSTANCE_ID: 'oms-1', SIDECAR_BUS_API_URL: bus.address }, 'doctor');
    expect(await sidecar.exited).toBe(69);
    expect(sidecar.stderr).toMatch(reason);
    expect(sidecar.stderr).toContain(`the proxy at ${broken.address}`);
    expect(sidecar.output).not.toMatch(/very-secret|undefined/);
    expect(await doctor.exited).toBe(69);
    expect(doctor.stdout).toMatch(reason);
    expect(doctor.stdout).toContain(broken.address);
    expect(doctor.output).not.toMatch(/very-secret|undefined/);
  });

  test.each([
    'https://me:very-secret@proxy.test:1',
    'socks5://me:very-secret@proxy.test:1',
    'me:very-secret@proxy.test:3128',
    'http://me:very-secret@',
    'http://me:very-secret@proxy.test:99999',
    'http://me:very-secret@proxy.test:0',
    'http://me:very-secret@proxy.test:1/path',
    'http://me:very-secret%zz@proxy.test:1',
    'http://m%3Ae:very-secret@proxy.test:1',
    'very-secret',
  ])('that is named as %s is refused with 78, without the value', async (SIDECAR_BUS_PROXY) => {
    const sidecar = spawnSidecar('127.0.0.1:1', { SIDECAR_BUS_PROXY });
    expect(await sidecar.exited).toBe(78);
    expect(sidecar.stderr).toContain('[config/bus-proxy/malformed]');
    expect(sidecar.output).not.toContain('very-secret');
  });
});

describe('the reason', () => {
  test.each([
    ['closes', (client) => void client.end(), /was closed before the server spoke HTTP\/2/],
    ['speaks something else', (client) => void client.write('220 mail\r\n'), /does not speak HTTP\/2/],
  ] satisfies [string, Behaviour, RegExp][])(
    'why a server that %s is no bus is told by sidecar and doctor',
    async (_, behave, reason) => {
      const server = await proxy(behave);
      const sidecar = spawnSidecar(server.address, once);
      const doctor = runCliWith(
        { POOL_TYPE: 'OMSPool', INSTANCE_ID: 'oms-1', SIDECAR_BUS_API_URL: server.address },
        'doctor',
      );
      expect(await sidecar.exited).toBe(69);
      expect(sidecar.stderr).toMatch(reason);
      expect(await doctor.exited).toBe(69);
      expect(doctor.stdout).toMatch(/\[doctor\/bus\/not-a-bus\]/);
      expect(doctor.stdout).toMatch(reason);
    },
  );
});
