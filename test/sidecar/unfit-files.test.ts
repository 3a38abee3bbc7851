import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ownLoopback } from './own-loopback.ts';
import { endAll, policyText, runCli, spawnSidecar, writeTemporary } from './processes.ts';

let root: string;
let app: string;
/** Of somebody else. */
let secret: string;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'meridian-unfit-'));
  app = path.join(root, 'app');
  mkdirSync(app);
  secret = path.join(root, 'secret');
  writeFileSync(secret, 's3cret: of somebody else\n');
});
afterEach(async () => {
  await endAll();
  rmSync(root, { recursive: true });
});

/** Each makes something at a path that is not a file of bounded size. */
const special: readonly (readonly [string, (file: string) => void])[] = [
  ['a FIFO', (file) => execFileSync('mkfifo', [file])],
  ['a folder', (file) => mkdirSync(file)],
  ['a link to a device', (file) => symlinkSync('/dev/zero', file)],
  [
    'a file of 4 GiB',
    (file) => {
      writeFileSync(file, '');
      truncateSync(file, 4 * 2 ** 30);
    },
  ],
];
const leadingOut: readonly (readonly [string, (file: string) => void])[] = [
  ['a link out of the app', (file) => symlinkSync('../secret', file)],
  ['a link to /etc/shadow', (file) => symlinkSync('/etc/shadow', file)],
];

function expectNoContent(output: string): void {
  expect(output).not.toMatch(/s3cret|root:|somebody|\[bug\]|^ {4}at /m);
}

describe('the sidecar ends with 78, the path and no content', () => {
  test.each([...special, ...leadingOut])('when SIDECAR_CONFIG is %s', async (_what, make) => {
    make(path.join(app, 'sidecar.yml'));
    const sidecar = spawnSidecar('127.0.0.1:1', { HOME: app, SIDECAR_CONFIG: 'sidecar.yml' });
    expect(await sidecar.exited).toBe(78);
    expect(sidecar.stderr).toContain(`SIDECAR_CONFIG names ${path.join(app, 'sidecar.yml')}, which cannot be read: `);
    expect(sidecar.stderr).toContain('[config/sidecar-config/unreadable]');
    expectNoContent(sidecar.output);
  });

  test('when SIDECAR_CONFIG climbs out of the app', async () => {
    const sidecar = spawnSidecar('127.0.0.1:1', { HOME: app, SIDECAR_CONFIG: '../secret' });
    expect(await sidecar.exited).toBe(78);
    expect(sidecar.stderr).toContain('it leads out of');
    expectNoContent(sidecar.output);
  });

  test.each(special)('when a file of a service binding is %s', async (_what, make) => {
    const folder = path.join(root, 'bindings/bus');
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'type'), 'meridian-bus');
    writeFileSync(path.join(folder, 'url'), '127.0.0.1:1');
    make(path.join(folder, 'token'));
    const environment = { SERVICE_BINDING_ROOT: path.dirname(folder), SIDECAR_CONNECT_TIMEOUT: '300ms' };
    const sidecar = spawnSidecar('', environment);
    const exitCode = await sidecar.exited;
    // A folder beside the files of a binding is what Kubernetes makes of a mount; it holds nothing of the binding.
    if (_what === 'a folder') return expect(exitCode).toBe(69);
    expect(exitCode).toBe(78);
    expect(sidecar.stderr).toContain(path.join(folder, 'token'));
    expectNoContent(sidecar.output);
  });

  test.each(special)('when the file with its token is %s', async (_what, make) => {
    const file = path.join(root, 'token');
    make(file);
    const environment = { SIDECAR_BUS_TOKEN_FILE: file, SIDECAR_CONNECT_TIMEOUT: '300ms' };
    const sidecar = spawnSidecar('127.0.0.1:1', environment);
    expect([69, 78]).toContain(await sidecar.exited);
    expect(sidecar.stderr).toContain(file);
    expectNoContent(sidecar.output);
  });
});

describe('doctor and stage say it with the path and no content', () => {
  test.each(['manifest.yml', 'Procfile'])('when %s of the app is no file of the app', async (name) => {
    for (const [, make] of [...special, ...leadingOut]) {
      make(path.join(app, name));
      const doctor = runCli('doctor', app);
      expect(await doctor.exited).toBe(64);
      expect(doctor.stderr).toContain(`${path.join(app, name)}: it `);
      expectNoContent(doctor.output);
      rmSync(path.join(app, name), { recursive: true });
    }
  });

  test('when manifest.yml or anything else of the app cannot be staged', async () => {
    const buildpack = path.join(root, 'buildpack');
    mkdirSync(path.join(buildpack, 'bin'), { recursive: true });
    for (const [name, makers] of [
      ['manifest.yml', [...special, ...leadingOut]],
      ['pipe', special.slice(0, 1)],
    ] as const) {
      for (const [, make] of makers) {
        make(path.join(app, name));
        const stage = runCli('stage', app, '--out', path.join(root, 'out'), '-b', buildpack);
        expect(await stage.exited).toBe(64);
        expect(stage.stderr).toContain(path.join(app, name));
        expect(stage.stderr).toContain('[stage/files/unfit]');
        expectNoContent(stage.output);
        rmSync(path.join(app, name), { recursive: true });
      }
    }
  });
});

describe('a bus ends with 78, the path and no content', () => {
  test.each(special)('when its policy, or a file of its TLS, is %s', async (_what, make) => {
    const file = path.join(root, 'of-bus');
    make(file);
    const policy = writeTemporary('policy.yml', policyText);
    for (const flags of [
      ['--policy', file],
      ['--policy', policy, '--tls-certificate', file, '--tls-key', file],
    ]) {
      const bus = runCli('bus', '--listen', `${ownLoopback}:0`, ...flags);
      expect(await bus.exited).toBe(78);
      expect(bus.stderr).toContain(file);
      expectNoContent(bus.output);
    }
  });
});

test('a FIFO that nobody reads is refused as an audit log, by sidecar and bus', async () => {
  const fifo = path.join(root, 'audit');
  execFileSync('mkfifo', [fifo]);
  for (const program of [
    spawnSidecar('127.0.0.1:1', { SIDECAR_AUDIT_LOG: fifo }),
    runCli('bus', '--policy', writeTemporary('policy.yml', policyText), '--audit', fifo),
  ]) {
    expect(await program.exited).toBe(78);
    expect(program.stderr).toContain(`names ${fifo}, which cannot be opened: `);
    expect(program.stderr).toContain('[config/audit-log/unwritable]');
  }
});

test.each(special)('compose refuses an option whose file is %s, and so does doctor', async (_what, make) => {
  const file = path.join(root, 'config.yml');
  make(file);
  const options = { 'pool-type': 'OMSPool', config: file };
  const compose = path.join(root, 'compose.yaml');
  const provider = { type: 'meridian-sidecar', options };
  const services = { oms: { provider, networks: ['default'] }, plugin: {} };
  writeFileSync(compose, JSON.stringify({ services, networks: { default: {} } }));
  const snippet = runCli(
    'compose',
    'snippet',
    ...['--project-name', 'p', 'oms'],
    ...Object.entries(options).map(([name, value]) => `--${name}=${value}`),
  );
  const doctor = runCli('doctor', compose);
  expect(await snippet.exited).toBe(78);
  expect(await doctor.exited).not.toBe(0);
  for (const { output } of [snippet, doctor]) {
    expect(output).toContain(file);
    expect(output).toContain('compose/file/unreadable');
    expectNoContent(output);
  }
});
