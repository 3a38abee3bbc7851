import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createAuthority } from '../transport/certificates.ts';
import { type Answer, bytes, cut, type DownloadServer, serveDownloads, stall, status } from './download-server.ts';
import { makeStackTools, type StackTools } from './stack-tools.ts';
import {
  makeStagingArea,
  openDirectory,
  type RunResult,
  removeTree,
  type StagingArea,
  startUnprivileged,
} from './staging-area.ts';
import { archiveOf, realArchive, sha256, small, standIns, unpackUncached, withDownload } from './uncached-package.ts';

let packageDir: string;
let area: StagingArea;
let tools: StackTools;

beforeAll(() => {
  packageDir = unpackUncached({ cflinuxfs4: small, cflinuxfs5: realArchive });
});
afterAll(() => {
  removeTree(packageDir);
  removeTree(standIns);
});
beforeEach(() => {
  area = makeStagingArea();
  tools = makeStackTools();
});
afterEach(() => {
  removeTree(area.root);
  removeTree(tools.path);
});

async function serving(answers: readonly Answer[], tls?: { cert: string; key: string }): Promise<DownloadServer> {
  const server = await serveDownloads(answers, tls);
  onTestFinished(() => server.stop());
  return server;
}

function supply(env: Record<string, string>, from = packageDir): Promise<RunResult> {
  const args = [area.buildDir, area.cacheDir, area.depsDir, '0'];
  const given = { PATH: tools.path, CF_STACK: 'cflinuxfs4', POOL_TYPE: 'SignalPool', ...env };
  return startUnprivileged(path.join(from, 'bin/supply'), args, given);
}

const uri = 'https://buildpacks.example/dependencies/node.tgz';
const mirrored = (server: DownloadServer) => ({ SIDECAR_DEPENDENCY_MIRROR: server.origin });
const cacheDir = (): string => path.join(area.cacheDir, 'meridian-sidecar');
const staged = (): boolean => existsSync(path.join(area.depsDir, '0/launch.yml'));
const leftovers = (): string[] => readdirSync(path.join(area.depsDir, '0/meridian'));
const anError = (id: string): unknown => expect.stringMatching(new RegExp(`\\*\\*ERROR\\*\\* .*\\n.*\\[${id}\\]\\n$`));

describe('an uncached package', () => {
  test('downloads the runtime of the stack once, and tells so', async () => {
    const server = await serving([bytes(small)]);
    const uri = `${server.origin}/dependencies/node/node_24.18.0_linux_x64_cflinuxfs4_cdfed650.tgz`;
    const first = await supply(mirrored(server));
    expect(first).toMatchObject({ status: 0, stderr: '' });
    expect(first.stdout).toContain(
      `-----> Meridian Sidecar Buildpack version 0.1.0\n-----> Downloading Node 24.18.0 for cflinuxfs4\n       ${uri}\n----->`,
    );
    expect(server.seen.map(({ url }) => url)).toEqual([new URL(uri).pathname]);
    expect(readdirSync(cacheDir())).toEqual([`${sha256(small)}.tgz`]);

    const again = await supply(mirrored(server));
    expect(again).toMatchObject({ status: 0, stdout: expect.stringContaining('in the cache of an earlier staging') });
    expect(server.seen).toHaveLength(1);
    expect(leftovers().sort()).toEqual(['cli.mjs', 'node', 'sidecar.mjs']);
  });

  test('stages with the very runtime, from an archive with a folder around bin/', async () => {
    const server = await serving([bytes(realArchive)]);
    const result = await supply({ ...mirrored(server), CF_STACK: 'cflinuxfs5' });
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(server.seen[0]?.url).toContain('_cflinuxfs5_');
    const node = path.join(area.depsDir, '0/meridian/node');
    expect(statSync(node).size).toBe(statSync(process.execPath).size);
    expect(execFileSync(node, ['--version'], { encoding: 'utf8' })).toBe('v24.18.0\n');
  });

  test('takes the symbols off the runtime where the stack has strip, as a cached package does', async () => {
    tools.add('strip');
    const server = await serving([bytes(realArchive)]);
    expect(await supply({ ...mirrored(server), CF_STACK: 'cflinuxfs5' })).toMatchObject({ status: 0, stderr: '' });
    const node = readFileSync(path.join(area.depsDir, '0/meridian/node'));
    expect(`${sha256(node)}  node\n`).toBe(readFileSync('dist/runtime/node.sha256', 'utf8'));
  });

  test('knows no runtime for another stack', async () => {
    const server = await serving([bytes(small)]);
    const result = await supply({ ...mirrored(server), CF_STACK: 'windows' });
    expect(result).toMatchObject({ status: 78, stderr: anError('supply/download/stack') });
    expect(result.stderr).toContain('"windows", but for cflinuxfs4 cflinuxfs5');
    expect(server.seen).toEqual([]);
  });
});

describe('the cache', () => {
  test('heals itself when its entry is damaged, and forgets runtimes of before', async () => {
    mkdirSync(cacheDir());
    chmodSync(cacheDir(), 0o777);
    writeFileSync(path.join(cacheDir(), `${sha256(small)}.tgz`), 'damaged');
    writeFileSync(path.join(cacheDir(), 'older.tgz'), 'older');
    const server = await serving([bytes(small)]);
    const result = await supply(mirrored(server));
    expect(result).toMatchObject({ status: 0, stdout: expect.stringContaining('**WARNING** The copy in the cache') });
    expect(readdirSync(cacheDir())).toEqual([`${sha256(small)}.tgz`]);
    expect(readFileSync(path.join(cacheDir(), `${sha256(small)}.tgz`))).toEqual(small);
  });

  test('may be closed to supply', async () => {
    chmodSync(area.cacheDir, 0o555);
    const server = await serving([bytes(small)]);
    expect(await supply(mirrored(server))).toMatchObject({ status: 0, stderr: '' });
    expect(readdirSync(area.cacheDir)).toEqual([]);
    expect(leftovers().sort()).toEqual(['cli.mjs', 'node', 'sidecar.mjs']);
  });
});

describe('a download that fails', () => {
  test.each([
    ['an overloaded server', status(503), 'HTTP 503'],
    ['a connection that is cut', cut(small), 'bytes remaining'],
    ['a connection that is closed', (response) => response.destroy(), 'Empty reply from server'],
  ] as const satisfies readonly (readonly [string, Answer, string])[])(
    'is tried again after %s',
    async (_what, fault, told) => {
      const server = await serving([fault, bytes(small)]);
      const result = await supply(mirrored(server));
      expect(result).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining(told) });
      expect(server.seen).toHaveLength(2);
    },
  );

  test('is tried again after a connection that stalls', async () => {
    const server = await serving([stall(small), bytes(small)]);
    const result = await supply({ ...mirrored(server), SIDECAR_DOWNLOAD_STALL_TIMEOUT: '3s' });
    expect(result).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining('nothing came for 3 s') });
    expect(server.seen).toHaveLength(2);
  });

  test('is given up after five attempts, each after a longer wait', async () => {
    const server = await serving([status(500)]);
    const result = await supply(mirrored(server));
    expect(result).toMatchObject({ status: 69, stderr: anError('supply/download/unreachable') });
    expect(server.seen).toHaveLength(5);
    expect(tools.waits().map(Math.floor)).toEqual([1, 2, 4, 8]);
    expect(leftovers()).toEqual([]);
  });

  test('is not tried again when the server says no', async () => {
    const server = await serving([status(404)]);
    expect(await supply(mirrored(server))).toMatchObject({ status: 78, stderr: anError('supply/download/refused') });
    expect(server.seen).toHaveLength(1);
  });

  test('names a host that does not answer', async () => {
    const result = await supply({ SIDECAR_DEPENDENCY_MIRROR: 'http://127.0.0.1:1' });
    expect(result).toMatchObject({ status: 69, stderr: anError('supply/download/unreachable') });
    expect(result.stderr).toContain('http://127.0.0.1:1');
  });

  test.each([
    ['other bytes than the manifest names', Buffer.from('other'), undefined, 'checksum'],
    [
      'an archive without bin/node',
      archiveOf('empty', 'lib/node', (file) => writeFileSync(file, '')),
      'own',
      'archive',
    ],
    ['something that is no archive', Buffer.from('no archive'), 'own', 'archive'],
  ])('uses and keeps nothing of %s', async (_what, content, checksum, fault) => {
    const from = checksum === undefined ? packageDir : withDownload(packageDir, { content, uri });
    const server = await serving([bytes(content)]);
    const result = await supply(mirrored(server), from);
    expect(result).toMatchObject({ status: 78, stderr: anError(`supply/download/${fault}`) });
    expect(server.seen).toHaveLength(1);
    expect([leftovers(), staged()]).toEqual([[], false]);
    if (checksum === undefined) expect(readdirSync(cacheDir())).toEqual([]);
    else removeTree(from);
  });
});

describe('the way to the download', () => {
  test('leads through a mirror with a path and a password, which nobody sees', async () => {
    // Of this test alone: every process of the machine is looked at.
    const secret = `s3cr${process.pid}`;
    const arguments_: string[] = [];
    const server = await serving([
      (response) => {
        arguments_.push(...commandLines());
        bytes(small)(response);
      },
    ]);
    const mirror = `${server.origin.replace('://', `://reader:${secret}%40t@`)}/cf/`;
    const result = await supply({ SIDECAR_DEPENDENCY_MIRROR: mirror });
    expect(result.status).toBe(0);
    expect(server.seen).toEqual([
      {
        url: '/cf/dependencies/node/node_24.18.0_linux_x64_cflinuxfs4_cdfed650.tgz',
        authorization: `Basic ${Buffer.from(`reader:${secret}@t`).toString('base64')}`,
      },
    ]);
    expect(result.stdout).toContain('http://***@127.0.0.1:');
    expect(arguments_.some((line) => line.includes('--write-out'))).toBe(true);
    expect([result.stdout, ...arguments_].filter((each) => each.includes(secret))).toEqual([]);
  });

  test.each([status(401), status(500)])('shows no password in an error', async (answer) => {
    const server = await serving([answer]);
    const mirror = server.origin.replace('://', '://reader:s3cr@t@');
    const { stdout, stderr } = await supply({ SIDECAR_DEPENDENCY_MIRROR: mirror });
    expect(stderr).toContain('http://***@127.0.0.1:');
    expect(stdout + stderr).not.toMatch(/s3cr|reader/);
  });

  test.each(['ftp://mirror.example', 'mirror.example', 'https://', 'https://u:s3cr@mirror.example/?a', 'https://a b'])(
    'is not %s',
    async (mirror) => {
      const result = await supply({ SIDECAR_DEPENDENCY_MIRROR: mirror });
      expect(result).toMatchObject({ status: 78, stderr: anError('supply/download/mirror') });
      expect(result.stderr).not.toContain('s3cr');
    },
  );

  test.each(['0s', '30', 'soon', '1h'])('has no stall timeout of %s', async (timeout) => {
    expect(await supply({ SIDECAR_DOWNLOAD_STALL_TIMEOUT: timeout })).toMatchObject({
      status: 78,
      stderr: anError('supply/download/stall-timeout'),
    });
  });

  test('follows a redirect', async () => {
    const target = await serving([bytes(small)]);
    const server = await serving([status(302, { location: `${target.origin}/elsewhere` })]);
    expect(await supply(mirrored(server))).toMatchObject({ status: 0 });
    expect(target.seen.map(({ url }) => url)).toEqual(['/elsewhere']);
  });

  test.each(['http_proxy', 'HTTP_PROXY'])('leads through the proxy of %s', async (variable) => {
    const proxy = await serving([bytes(small)]);
    const result = await supply({ SIDECAR_DEPENDENCY_MIRROR: 'http://runtime.invalid', [variable]: proxy.origin });
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(proxy.seen[0]?.url).toMatch(/^http:\/\/runtime\.invalid\/dependencies\//);
  });

  test('does not need a mirror', async () => {
    const server = await serving([bytes(small)]);
    const from = withDownload(packageDir, { content: small, uri: `${server.origin}/dependencies/node.tgz` });
    expect(await supply({}, from)).toMatchObject({ status: 0, stderr: '' });
    removeTree(from);
  });
});

describe('a server with a certificate of a private authority', () => {
  const authority = createAuthority();
  const { certificate: cert, key } = authority.issue('mirror', { ip: [127, 0, 0, 1] });
  const trusted = openDirectory('trusted');
  const caFile = path.join(trusted, 'operator.crt');
  writeFileSync(caFile, authority.ca);
  afterAll(() => removeTree(trusted));

  test('is not trusted, and not asked again', async () => {
    const server = await serving([bytes(small)], { cert, key });
    const result = await supply(mirrored(server));
    expect(result).toMatchObject({ status: 78, stderr: anError('supply/download/certificate') });
    expect(tools.waits()).toEqual([]);
  });

  test.each([
    ['CURL_CA_BUNDLE', caFile],
    ['SSL_CERT_FILE', caFile],
    ['CF_SYSTEM_CERT_PATH', trusted],
  ])('is trusted by %s', async (variable, value) => {
    const server = await serving([bytes(small)], { cert, key });
    expect(await supply({ ...mirrored(server), [variable]: value })).toMatchObject({ status: 0, stderr: '' });
  });
});

function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return [];
      }
    });
}
