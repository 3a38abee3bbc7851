import { readFileSync } from 'node:fs';
import path from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import { afterEach, expect, test } from 'vitest';
import { endAll, type Program, runCli, writeTemporary } from '../sidecar/processes.ts';
import { createAuthority } from '../transport/certificates.ts';
import { type NatsServers, startServers } from './nats-server.ts';
import { operatorMode } from './nats-tokens.ts';

const started: NatsServers[] = [];
afterEach(async () => {
  await endAll();
  for (const servers of started.splice(0)) await servers.stop();
});

/** A server with more configuration, and a bus on it. */
async function busOn(more: readonly string[], options: readonly string[], scheme = 'nats'): Promise<Program> {
  const servers = await startServers(1, { more });
  started.push(servers);
  return runCli('bus', '--store', `${scheme}://${servers.addresses[0]}`, '--listen', '127.0.0.1:0', ...options);
}

async function expectToServe(bus: Program, secrets: readonly string[]): Promise<void> {
  await bus.seen(/bus listens address=/);
  for (const secret of secrets) expect(bus.output).not.toContain(secret);
  bus.signal('SIGTERM');
  expect(await bus.exited).toBe(0);
}

async function expectRefused(bus: Program, id: string, secrets: readonly string[]): Promise<string> {
  expect(await bus.exited).toBe(74);
  expect(bus.stderr).toContain(`[${id}]`);
  for (const secret of secrets) expect(bus.output).not.toContain(secret);
  return bus.stderr;
}

const users = ['authorization { users: [{ user: bus, password: "pass-word-1" }] }'];

test('a bus with a user and a password file is let in', async () => {
  const file = writeTemporary('password', 'pass-word-1\n');
  await expectToServe(await busOn(users, ['--store-user', 'bus', '--store-password-file', file]), ['pass-word-1']);
});

test.each([
  ['no credential', []],
  ['a wrong password', ['--store-user', 'bus', '--store-password-file']],
  ['a user that is not known', ['--store-user', 'somebody']],
])('a bus with %s is refused by name, and nothing secret is told', async (_, options) => {
  const file = options.at(-1) === '--store-password-file' ? [writeTemporary('password', 'wrong-word')] : [];
  const secrets = ['wrong-word', 'pass-word-1'];
  await expectRefused(await busOn(users, [...options, ...file]), 'bus/store/nats-refused', secrets);
});

test('a bus with an nkey is let in, and one with another nkey is not', async () => {
  const [known, other] = [nkeys.createUser(), nkeys.createUser()];
  const more = [`authorization { users: [{ nkey: ${known.getPublicKey()} }] }`];
  const [seed, otherSeed] = [known, other].map((key) => Buffer.from(key.getSeed()).toString());
  const option = (text = ''): string[] => ['--store-nkey', writeTemporary('seed', `${text}\n`)];
  await expectToServe(await busOn(more, option(seed)), [seed ?? '']);
  await expectRefused(await busOn(more, option(otherSeed)), 'bus/store/nats-refused', [otherSeed ?? '']);
  await expectRefused(await busOn(more, option('not a seed')), 'bus/store/nats-refused', ['not a seed']);
});

test('a bus with a credentials file is let in, and one with a broken file is not', async () => {
  const { configuration, credentials } = operatorMode();
  const option = (text: string): string[] => ['--store-credentials', writeTemporary('bus.creds', text)];
  const seed = /^SU\w+$/m.exec(credentials)?.[0] ?? '';
  expect(seed).not.toBe('');
  await expectToServe(await busOn(configuration, option(credentials)), [seed]);
  await expectRefused(await busOn(configuration, option('not credentials')), 'bus/store/nats-refused', []);
  const foreign = operatorMode().credentials;
  await expectRefused(await busOn(configuration, option(foreign)), 'bus/store/nats-refused', []);
});

test('TLS with a client certificate works, and an authority that does not know the server is named', async () => {
  const authority = createAuthority('NATS authority', 'ecdsa');
  const files = (name: string, { certificate, key }: { certificate: string; key: string }): [string, string] => [
    writeTemporary(`${name}.pem`, certificate),
    writeTemporary(`${name}.key`, key),
  ];
  const [serverCertificate, serverKey] = files('server', authority.issue('nats', { ip: [127, 0, 0, 1] }));
  const [certificate, key] = files('bus', authority.issue('bus', { dns: 'bus' }));
  const ca = writeTemporary('ca.pem', authority.ca);
  const more = [`tls { cert_file: "${serverCertificate}", key_file: "${serverKey}", ca_file: "${ca}", verify: true }`];
  const client = ['--store-tls-certificate', certificate, '--store-tls-key', key];
  await expectToServe(await busOn(more, ['--store-tls-ca', ca, ...client], 'tls'), []);
  const other = writeTemporary('other.pem', createAuthority('another', 'ecdsa').ca);
  const texts = [
    await expectRefused(
      await busOn(more, ['--store-tls-ca', other, ...client], 'tls'),
      'bus/store/nats-unreachable',
      [],
    ),
    await expectRefused(await busOn(more, ['--store-tls-ca', ca], 'tls'), 'bus/store/nats-unreachable', []),
  ];
  expect(texts[0]).toMatch(/certificate/i);
  expect(texts[1]).toContain('name one with --store-tls-certificate');
});

const needed = [
  'meridian.default.>',
  'meridian-leader.default',
  ...['INFO', 'CREATE', 'PURGE'].map((what) => `$JS.API.STREAM.${what}.meridian-default`),
];
const read = '$JS.API.DIRECT.GET.meridian-default';
const heard = ['_INBOX.>', 'meridian-leader.default'];
/** Where another process asks from. */
const asked = '_INBOX.>';

/** A bus whose user may publish and subscribe to these subjects only. */
async function busThatMay(publish: readonly string[], subscribe: readonly string[] = heard): Promise<Program> {
  const permissions = JSON.stringify({ publish, subscribe });
  const more = [`authorization { users: [{ user: bus, password: p, permissions: ${permissions} }] }`];
  return busOn(more, ['--store-user', 'bus', '--store-password-file', writeTemporary('password', 'p')]);
}

test('a bus with the permissions that docs/bus.md lists serves', async () => {
  const text = readFileSync(path.resolve(import.meta.dirname, '../../docs/bus.md'), 'utf8');
  for (const subject of [...needed, read, asked, ...heard]) {
    expect(text).toContain(`\`${subject.replace(/\.default\b/, '.NAME').replace('-default', '-NAME')}\``);
  }
  await expectToServe(await busThatMay([...needed, read, asked]), []);
});

// The stream is purged only when there is something to purge.
test.each(needed.slice(0, 4))('a bus that may not publish to %s is told so', async (missing) => {
  const bus = await busThatMay([...needed, read, asked].filter((each) => each !== missing));
  expect(await expectRefused(bus, 'bus/store/nats-permission', [])).toContain(missing.replace('>', ''));
});

test.each([
  ['hear answers', heard.slice(1), [...needed, read, asked], '_INBOX.'],
  ['hear who asks for the leader', heard.slice(0, 1), [...needed, read, asked], 'meridian-leader.default'],
  ['answer who asks for the leader', heard, [...needed, read], '_INBOX.'],
])('a bus that may not %s is told so', async (_, subscribe, publish, expected) => {
  const bus = await busThatMay(publish, subscribe);
  expect(await expectRefused(bus, 'bus/store/nats-permission', [])).toContain(expected);
});

test('a bus that may not read its stream logs what it waits for', async () => {
  const bus = await busThatMay([...needed, asked]);
  await bus.seen(/the store waits for NATS.*DIRECT\.GET\.meridian-default/);
});
