import { afterEach, describe, expect, test } from 'vitest';
import { ownFreeAddress } from './own-loopback.ts';
import { endAll, type Program, runCliWith, spawnSidecar, startBus } from './processes.ts';

afterEach(endAll);

interface PublicSidecar {
  readonly program: Program;
  readonly publicUrl: string;
  readonly statusUrl: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** A sidecar whose health address is the platform's port, on an address that no other test uses. */
async function startOnPlatformPort(healthAddress = '$PORT'): Promise<PublicSidecar> {
  const bus = await startBus();
  const [publicAddress, statusAddress] = [await ownFreeAddress(), await ownFreeAddress()];
  const { hostname, port } = new URL(`http://${publicAddress}`);
  const environment = {
    PORT: port,
    SIDECAR_HEALTH_ADDR: `${hostname}:${healthAddress.replace('NUMBER', port)}`,
    SIDECAR_STATUS_ADDR: statusAddress,
  };
  const program = spawnSidecar(bus.address, environment);
  await program.seen(/startup 8\/8/);
  return { program, publicUrl: `http://${publicAddress}`, statusUrl: `http://${statusAddress}`, environment };
}

const probes = ['/livez', '/readyz', '/healthz'];
const statusOf = async (url: string): Promise<number> => (await fetch(url)).status;

describe.each(['$PORT', '$'.concat('{PORT}'), 'NUMBER'])(
  'on the port of the platform, written as %s',
  (healthAddress) => {
    test('the sidecar answers probes alone', async () => {
      const { publicUrl } = await startOnPlatformPort(healthAddress);
      expect(await Promise.all(probes.map((probe) => statusOf(`${publicUrl}${probe}`)))).toEqual([200, 503, 200]);
      for (const path of ['/status', '/metrics', '/status/', '//metrics', '/%6detrics', '/status?a']) {
        const reply = await fetch(`${publicUrl}${path}`);
        expect([path, reply.status]).toEqual([path, 404]);
        expect(await reply.text()).toBe('nothing here; there are /livez, /readyz, /healthz\n');
      }
    });
  },
);

test('the status address has the status, the metrics and the probes', async () => {
  const { program, statusUrl } = await startOnPlatformPort();
  await program.seen(new RegExp(`status server listens port=${new URL(statusUrl).port}`));
  expect(await (await fetch(`${statusUrl}/status`)).json()).toMatchObject({ instanceId: 'oms-1', state: 'READY' });
  expect(await (await fetch(`${statusUrl}/metrics`)).text()).toContain('meridian_sidecar_info{');
  expect(await Promise.all(probes.map((probe) => statusOf(`${statusUrl}${probe}`)))).toEqual([200, 503, 200]);
});

test('status finds the status address as the sidecar does, and is told when it is given the public one', async () => {
  const { environment, publicUrl } = await startOnPlatformPort();
  const found = runCliWith(environment, 'status');
  expect(await found.exited).toBe(0);
  expect(found.stdout).toMatch(/^state +READY$/m);
  const told = runCliWith(environment, 'status', '--address', new URL(publicUrl).host);
  expect(await told.exited).toBe(69);
  expect(told.stderr).toContain('[status/sidecar/no-status]');
  expect(told.stderr).not.toContain('    at ');
});

test('doctor asks at the status address', async () => {
  const { environment, statusUrl } = await startOnPlatformPort();
  const named = { VCAP_APPLICATION: '{}', INSTANCE_ID: 'oms-1', POOL_TYPE: 'OMSPool', ...environment };
  const doctor = runCliWith(named, 'doctor');
  await doctor.exited;
  expect(doctor.stdout).toContain(`The sidecar of oms-1 answers at ${new URL(statusUrl).host}; it is READY.`);
});

test('a status address that is taken costs the status, and no probe', async () => {
  const first = await startOnPlatformPort();
  const bus = await startBus();
  const port = new URL(await freeUrl()).port;
  const { hostname } = new URL(first.publicUrl);
  const second = spawnSidecar(bus.address, {
    ...{ PORT: port, SIDECAR_HEALTH_ADDR: `${hostname}:$PORT` },
    SIDECAR_STATUS_ADDR: new URL(first.statusUrl).host,
  });
  await second.seen(/startup 5\/8: start the health server failed, and the sidecar goes on without it: .*EADDRINUSE/);
  await second.seen(/startup 8\/8/);
  expect(await statusOf(`http://${hostname}:${port}/livez`)).toBe(200);
  first.program.signal('SIGKILL');
  await second.seen(/status server listens/);
});

async function freeUrl(): Promise<string> {
  return `http://${await ownFreeAddress()}`;
}
