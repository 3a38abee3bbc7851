import { chmodSync, mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { createAuthority } from '../transport/certificates.ts';
import { docker } from './engine-client.ts';
import { openNetwork, startBus, startInstance, startOf } from './platform.ts';

type Authority = ReturnType<typeof createAuthority>;

const busAuthority = createAuthority('Bus authority');

/** The certificate that the platform gives an instance, and its key, in the place where it replaces them. */
function writeIdentity(dir: string, authority: Authority, instanceGuid: string): void {
  const { certificate, key } = authority.issue(instanceGuid);
  for (const [name, text] of Object.entries({ 'instance.crt': certificate, 'instance.key': key })) {
    writeFileSync(path.join(dir, `${name}.new`), text, { mode: 0o644 });
    renameSync(path.join(dir, `${name}.new`), path.join(dir, name));
  }
}

describe('node-plugin with the identity of its instance', () => {
  test('presents it to the bus, and the one that replaced it when the bus trusts no other any more', async () => {
    const { scratchDir } = inject('lifecycle');
    const [first, second] = [createAuthority('First authority'), createAuthority('Second authority')];
    const credentialsDir = mkdtempSync(path.join(scratchDir, 'identity-'));
    chmodSync(credentialsDir, 0o755);
    writeIdentity(credentialsDir, first, 'instance-1');
    const { certificate, key } = busAuthority.issue('bus', { dns: 'bus-api' });
    const network = await openNetwork();
    const bus = await startBus(network, {
      files: { 'tls.crt': certificate, 'tls.key': key, 'clients.pem': first.ca },
      flags: [
        '--tls-certificate',
        '/opt/files/tls.crt',
        '--tls-key',
        '/opt/files/tls.key',
        '--tls-client-ca',
        '/opt/files/clients.pem',
      ],
    });
    const caFile = path.join(scratchDir, 'bus-ca.pem');
    writeFileSync(caFile, busAuthority.ca);
    const instance = await startInstance({
      ...(await startOf('node-plugin')),
      ...{ network, credentialsDir },
      files: { 'bus-ca.pem': caFile },
      env: { SIDECAR_BUS_CA: '/home/vcap/app/bus-ca.pem', SIDECAR_BUS_API_URL: 'https://bus-api:8443' },
    });
    await instance.line(/^web: running$/);
    const { container } = instance;

    writeIdentity(credentialsDir, second, 'instance-1');
    writeFileSync(path.join(bus.filesDir, 'clients.pem'), second.ca);
    await docker('restart', '--time', '1', bus.container);
    await instance.line(/^web: degraded/);
    await instance.line(/^web: resumed/);
    expect(container.lines.filter((line) => /to=FAULTED/.test(line))).toEqual([]);
    expect(Object.fromEntries(await instance.stop())).toEqual({ web: 0, 'meridian-sidecar': 0 });
  });
});
