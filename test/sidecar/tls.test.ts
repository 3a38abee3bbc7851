import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { connectPlugin } from './plugins.ts';
import { endAll, type Program, runCli, spawnSidecar, startSidecar, writeTemporary } from './processes.ts';
import {
  authority,
  busNames,
  CertificateFiles,
  caFile,
  certificateEnvironment,
  endingSoon,
  foreignAuthority,
  future,
  past,
  runBus,
  startSecuredBus,
  token,
} from './secured-bus.ts';

afterEach(endAll);

const soon = { SIDECAR_CONNECT_TIMEOUT: '1s' };
const pluginA = () => new CertificateFiles(authority.issue('plugin-a'));

function expectRefusal(sidecar: Program, id: string, facts: readonly string[]): void {
  expect(sidecar.stderr).toContain(`[${id}]`);
  for (const fact of facts) expect(sidecar.stderr).toContain(fact);
  expect(sidecar.stderr).not.toMatch(/^ {4}at /m);
  expect(sidecar.output).not.toContain('PRIVATE KEY');
}

/** The addresses on which this machine listens at a port, by the kernel's own table (all of IPv6 as `::`). */
function listenersOn(port: number): string[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  const addresses = (table: string): string[] =>
    [...readFileSync(table, 'utf8').matchAll(new RegExp(`: ([0-9A-F]+):${hexPort} \\S+ 0A `, 'g'))].map(
      ([, address = '']) => address,
    );
  const ipv4 = addresses('/proc/net/tcp').map((hex) => [...Buffer.from(hex, 'hex')].toReversed().join('.'));
  return [...ipv4, ...addresses('/proc/net/tcp6').map(() => '::')];
}

describe('mutual TLS', () => {
  test('gives a sidecar the rule of the principal in its certificate', async () => {
    const bus = await startSecuredBus();
    const sidecar = await startSidecar(bus.address, certificateEnvironment(pluginA()));
    await bus.program.seen(/registered instance=oms-1 pool=OMSPool principal=plugin-a/);
    const plugin = await connectPlugin(sidecar.address);
    expect(plugin.identity).toMatchObject({ publishGrants: ['platform.oms.**'] });
    await plugin.stop('done');
    expect(sidecar.program.stderr).toBe('');
  });

  test('lets no principal use the instance id of another', async () => {
    const bus = await startSecuredBus();
    const files = new CertificateFiles(authority.issue('plugin-b'));
    const sidecar = spawnSidecar(bus.address, certificateEnvironment(files));
    expect(await sidecar.exited).toBe(77);
    expectRefusal(sidecar, 'sidecar/startup/registration-refused', [
      'no policy rule lets principal "plugin-b" be "oms-1" of OMSPool',
    ]);
  });
});

describe('a certificate of the bus that does not hold ends the start with 69', () => {
  test.each([
    ['expired', authority.issue('bus', busNames, past), '"bus" of issuer "Test authority" expired at 2021-01-01'],
    ['not valid yet', authority.issue('bus', busNames, future), 'is not valid before 2048-01-01'],
    ['of a foreign authority', foreignAuthority.issue('bus', busNames), 'is not signed by a trusted authority'],
    ['for another host', authority.issue('bus', { dns: 'bus.test' }), 'is for DNS:bus.test'],
  ])('%s', async (_, issued, fact) => {
    const bus = await startSecuredBus(issued);
    // An attempt that this cuts short before the handshake would show nothing of the certificate.
    const sidecar = spawnSidecar(bus.address, {
      ...certificateEnvironment(pluginA()),
      SIDECAR_CONNECT_TIMEOUT: '5s',
    });
    expect(await sidecar.exited).toBe(69);
    expectRefusal(sidecar, 'sidecar/startup/bus-certificate', [
      'Startup stopped at step 1 of 8: connect to the Bus API.',
      `the Bus API at ${bus.address} cannot be trusted: its certificate`,
      fact,
    ]);
    expect(sidecar.stdout).toMatch(/the bus does not answer yet .*cannot be trusted: its certificate/);
  });
});

describe('a certificate of the sidecar that does not hold', () => {
  test.each([
    ['expired', authority.issue('plugin-a', {}, past), 'CN=plugin-a, expired at 2021-01-01'],
    ['not valid yet', authority.issue('plugin-a', {}, future), 'CN=plugin-a, is not valid before 2048-01-01'],
    [
      'of another key',
      { ...authority.issue('plugin-a'), key: authority.issue('other').key },
      'SIDECAR_BUS_KEY holds no PEM key that belongs to the certificate',
    ],
    ['no PEM', { certificate: 'none', key: 'none' }, 'SIDECAR_BUS_CERTIFICATE holds no PEM certificate'],
  ])('ends the start with 69 when it is %s', async (_, issued, fact) => {
    const bus = await startSecuredBus();
    const environment = certificateEnvironment(new CertificateFiles(issued));
    const sidecar = spawnSidecar(bus.address, { ...environment, ...soon });
    expect(await sidecar.exited).toBe(69);
    expectRefusal(sidecar, 'sidecar/startup/own-credential', ['Startup stopped at step 1 of 8', fact]);
  });

  test('ends the start with 69 when its file is not there', async () => {
    const bus = await startSecuredBus();
    const environment = { ...certificateEnvironment(pluginA()), SIDECAR_BUS_CERTIFICATE: '/proc/no/such.crt', ...soon };
    const sidecar = spawnSidecar(bus.address, environment);
    expect(await sidecar.exited).toBe(69);
    expectRefusal(sidecar, 'sidecar/startup/own-credential', ['ENOENT', '/proc/no/such.crt']);
  });

  test('is refused by the bus with 77 when an authority signed it that the bus does not know; both say so', async () => {
    const bus = await startSecuredBus();
    const files = new CertificateFiles(foreignAuthority.issue('plugin-a'));
    const sidecar = spawnSidecar(bus.address, certificateEnvironment(files));
    expect(await sidecar.exited).toBe(77);
    const fact = 'certificate "plugin-a" of issuer "Foreign authority" is not signed by a trusted authority';
    expectRefusal(sidecar, 'sidecar/startup/unauthenticated', ["the client's ", fact]);
    await bus.program.seen(/WARN {2}refused a client address=127\.0\.0\.1:\d+ reason=.*Foreign authority/);
  });

  test('is refused with 77 when there is none and no token where a credential is demanded', async () => {
    const bus = await startSecuredBus();
    const sidecar = spawnSidecar(bus.address, { SIDECAR_BUS_CA: caFile() });
    expect(await sidecar.exited).toBe(77);
    expectRefusal(sidecar, 'sidecar/startup/unauthenticated', ['neither a client certificate nor a bearer token']);
  });
});

describe('a certificate that rotates', () => {
  test('leaves the session alone and is used by the next connection', async () => {
    const bus = await startSecuredBus();
    const files = pluginA();
    const { program } = await startSidecar(bus.address, certificateEnvironment(files));
    bus.files.replace(authority.issue('bus', busNames));
    await bus.program.seen(/the certificate files changed; new connections get them/);
    files.replace(authority.issue('plugin-a'));
    await program.seen(/the credential for the bus changed; the next connection uses it/);
    expect(program.stdout).not.toContain('is lost');
    const next = await startSidecar(bus.address, {
      ...certificateEnvironment(new CertificateFiles(authority.issue('plugin-b'))),
      INSTANCE_ID: 'oms-2',
    });
    expect(next.program.stderr).toBe('');
    expect(program.stdout).not.toContain('is lost');
  });

  test('replaces the connection before the old one ends, under the same epoch', async () => {
    const bus = await startSecuredBus();
    const files = new CertificateFiles(authority.issue('plugin-a', {}, endingSoon()));
    const { program } = await startSidecar(bus.address, certificateEnvironment(files));
    await program.seen(/the certificate for the bus ends, and there is no newer one endsAt=/);
    files.replace(authority.issue('plugin-a'));
    await program.seen(/connecting to the bus again: the certificate of this connection ends/);
    await program.seen(/state changed from=DEGRADED to=READY/);
    await bus.program.seen(/registered instance=oms-1 .*epoch=(\d+)[\s\S]*registered instance=oms-1 .*epoch=\1\n/);
  });
});

describe('the plugin port', () => {
  test('is taken on loopback alone', async () => {
    const bus = await startSecuredBus();
    const { address } = await startSidecar(bus.address, certificateEnvironment(pluginA()));
    const port = Number(address.slice(address.lastIndexOf(':') + 1));
    expect(listenersOn(port)).toEqual(['127.0.0.1']);
  });

  test.each(['0.0.0.0:9191', ':9191', '[::]:9191', '10.0.0.1:9191'])('is refused at %s', async (address) => {
    const sidecar = spawnSidecar('127.0.0.1:1', { SIDECAR_ADDR: address });
    expect(await sidecar.exited).toBe(78);
    expectRefusal(sidecar, 'config/addr/not-loopback', ['loopback']);
  });
});

describe('a bearer token', () => {
  const withToken = { SIDECAR_BUS_TOKEN: token, INSTANCE_ID: 'oms-3' };

  test('decides the principal when there is no certificate, over TLS and plaintext alike', async () => {
    const bus = await startSecuredBus();
    await startSidecar(bus.address, { ...withToken, SIDECAR_BUS_CA: caFile() });
    await bus.program.seen(/registered instance=oms-3 .*principal=ci/);
    const plain = runBus();
    const [, address = ''] = await plain.seen(/bus listens address=(\S+)/);
    await startSidecar(address, withToken);
    await plain.seen(/registered instance=oms-3 .*principal=ci/);
  });

  test('comes second to a certificate', async () => {
    const bus = await startSecuredBus();
    await startSidecar(bus.address, { ...certificateEnvironment(pluginA()), SIDECAR_BUS_TOKEN: token });
    await bus.program.seen(/registered instance=oms-1 .*principal=plugin-a/);
  });

  test('that the policy does not know is refused with 77', async () => {
    const bus = await startSecuredBus(undefined, { clientCa: false });
    const environment = { ...withToken, SIDECAR_BUS_TOKEN: 'tok-unknown', SIDECAR_BUS_CA: caFile() };
    const sidecar = spawnSidecar(bus.address, environment);
    expect(await sidecar.exited).toBe(77);
    expectRefusal(sidecar, 'sidecar/startup/unauthenticated', [
      'the policy of this bus does not know the bearer token',
    ]);
    await bus.program.seen(/refused a client .*does not know the bearer token/);
    expect(sidecar.output + bus.program.output).not.toContain('tok-unknown');
  });

  test('that is absent leaves the caller anonymous, where no credential is demanded', async () => {
    const bus = await startSecuredBus(undefined, { clientCa: false });
    const sidecar = spawnSidecar(bus.address, { SIDECAR_BUS_CA: caFile(), INSTANCE_ID: 'oms-3' });
    expect(await sidecar.exited).toBe(77);
    expectRefusal(sidecar, 'sidecar/startup/registration-refused', ['principal "anonymous"']);
  });

  test('on its way to another machine in plaintext is warned of', async () => {
    // A group of machines, which takes no connection: nothing leaves this one, and nothing is asked of a resolver.
    const sidecar = spawnSidecar('224.0.0.1:8443', { ...withToken, ...soon });
    expect(await sidecar.exited).toBe(69);
    expect(sidecar.stdout.match(/WARN {2}the token for the bus travels unencrypted/g)).toHaveLength(1);
    expect(sidecar.output).not.toContain(token);
  });
});

describe('secrets', () => {
  test('are in no output, no error and no command line of a whole run', async () => {
    const bus = await startSecuredBus();
    const files = pluginA();
    const environment = {
      ...certificateEnvironment(files),
      SIDECAR_BUS_TOKEN_FILE: writeTemporary('token', `${token}\n`),
      SIDECAR_LOG_LEVEL: 'debug',
    };
    const { program } = await startSidecar(bus.address, environment);
    const [, pid = ''] = await program.seen(/pid=(\d+)/);
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    const visible = readFileSync(`/proc/${pid}/environ`, 'utf8');
    program.signal('SIGTERM');
    expect(await program.exited).toBe(0);
    const help = runCli('bus', '--help');
    await help.exited;
    const keyLines = readFileSync(files.key, 'utf8').split('\n').slice(1, -2);
    for (const secret of [token, ...keyLines]) {
      for (const text of [program.output, bus.program.output, commandLine, visible, help.output]) {
        expect(text).not.toContain(secret);
      }
    }
  });
});
