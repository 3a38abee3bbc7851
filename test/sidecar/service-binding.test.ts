import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { endAll, type Program, spawnSidecar, startSidecar, writeTemporary } from './processes.ts';
import { authority, busNames, CertificateFiles, endingSoon, startSecuredBus, token } from './secured-bus.ts';

afterEach(endAll);

type Credentials = Readonly<Record<string, string>>;

const services = (credentials: Credentials): string =>
  JSON.stringify({ 'user-provided': [{ name: 'bus', tags: ['meridian-bus'], credentials }] });

/** A SERVICE_BINDING_ROOT with one folder. */
function bindingRoot(credentials: Credentials): string {
  const root = path.dirname(writeTemporary('README', ''));
  mkdirSync(path.join(root, 'bus'));
  for (const [name, text] of Object.entries({ type: 'meridian-bus', ...credentials })) {
    writeFileSync(path.join(root, 'bus', name), `${text}\n`);
  }
  return root;
}

describe('a sidecar with a bound service', () => {
  const ways: [string, (credentials: Credentials) => Record<string, string>][] = [
    ['VCAP_SERVICES', (credentials) => ({ VCAP_SERVICES: services(credentials) })],
    [
      'VCAP_SERVICES_FILE_PATH',
      (credentials) => ({ VCAP_SERVICES_FILE_PATH: writeTemporary('services', services(credentials)) }),
    ],
    ['SERVICE_BINDING_ROOT', (credentials) => ({ SERVICE_BINDING_ROOT: bindingRoot(credentials) })],
  ];

  test.each(ways)('takes address, authority and token from %s', async (source, environment) => {
    const bus = await startSecuredBus();
    const credentials = { url: `https://${bus.address}`, ca: authority.ca, token };
    const { program } = await startSidecar('', { ...environment(credentials), INSTANCE_ID: 'oms-3' });
    await bus.program.seen(/registered instance=oms-3 .*principal=ci/);
    expect(program.stdout).toContain(`busFrom="service \\"bus\\" of ${source}"`);
    expect(program.output).not.toContain(token);
  });

  test('takes certificate and key from it', async () => {
    const bus = await startSecuredBus();
    const { certificate, key } = authority.issue('plugin-a');
    const credentials = { url: `https://${bus.address}`, ca: authority.ca, certificate, key };
    await startSidecar('', { VCAP_SERVICES: services(credentials) });
    await bus.program.seen(/registered instance=oms-1 .*principal=plugin-a/);
  });

  test('names it when its certificate cannot be used', async () => {
    const credentials = { url: 'https://127.0.0.1:1', ca: authority.ca, certificate: 'none', key: 's3cret' };
    const sidecar = spawnSidecar('', { VCAP_SERVICES: services(credentials), SIDECAR_CONNECT_TIMEOUT: '1s' });
    expect(await sidecar.exited).toBe(69);
    expect(sidecar.stderr).toContain('service "bus" of VCAP_SERVICES holds no PEM certificate');
    expect(sidecar.output).not.toContain('s3cret');
  });

  test('ends with 78 and every problem when two services could be meant', async () => {
    const two = JSON.stringify({ a: ['bus', 'bus-2'].map((name) => ({ name, tags: ['meridian-bus'] })) });
    const sidecar = spawnSidecar('', { VCAP_SERVICES: two, POOL_TYPE: '' });
    expect(await sidecar.exited).toBe(78);
    expect(sidecar.stderr).toContain('[config/bus-service/several]');
    expect(sidecar.stderr).toContain('[config/pool-type/missing]');
  });
});

describe('the identity of the instance', () => {
  const environment = (files: CertificateFiles): Record<string, string> => ({
    CF_INSTANCE_CERT: files.certificate,
    CF_INSTANCE_KEY: files.key,
    SIDECAR_BUS_CA: writeTemporary('ca.pem', authority.ca),
  });

  test('proves the sidecar to the bus, and is followed when the platform replaces it', async () => {
    const bus = await startSecuredBus();
    const files = new CertificateFiles(authority.issue('plugin-a', {}, endingSoon()));
    const { program } = await startSidecar(bus.address, environment(files));
    await bus.program.seen(/registered instance=oms-1 .*principal=plugin-a/);
    files.replace(authority.issue('plugin-a'));
    await program.seen(/connecting to the bus again: the certificate of this connection ends/);
    await program.seen(/state changed from=DEGRADED to=READY/);
    await bus.program.seen(/(?:registered instance=oms-1 .*principal=plugin-a[\s\S]*){2}/);
    expect(program.stderr).toBe('');
  });

  test('is named when it ended and nobody replaced it', async () => {
    const bus = await startSecuredBus(authority.issue('bus', busNames));
    const files = new CertificateFiles(authority.issue('plugin-a', {}, { to: new Date('2021-01-01') }));
    const sidecar: Program = spawnSidecar(bus.address, { ...environment(files), SIDECAR_CONNECT_TIMEOUT: '1s' });
    expect(await sidecar.exited).toBe(69);
    expect(sidecar.stderr).toContain('the client certificate in CF_INSTANCE_CERT, CN=plugin-a, expired at 2021-01-01');
    expect(sidecar.output).not.toContain(readFileSync(files.key, 'utf8').split('\n')[1]);
  });
});
