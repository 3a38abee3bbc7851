import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { pythonFile } from './virtual-environment.ts';

const folder = path.resolve(import.meta.dirname, '../../fixtures/kubernetes');
const documents = readdirSync(folder).flatMap((file) =>
  parseAllDocuments(readFileSync(path.join(folder, file), 'utf8')).map((document) => {
    const manifest = document.toJS() as { kind: string; metadata: { name: string } };
    return { name: `${manifest.kind} ${manifest.metadata.name}`, manifest };
  }),
);

/** Kubernetes' own schemas, with nothing beyond them allowed. */
const validate = `
import json, sys, kubernetes_validate
try:
    kubernetes_validate.validate(json.load(sys.stdin), sys.argv[1], strict=True)
except kubernetes_validate.ValidationError as error:
    print(error.message)
`;

const problemsOf = (manifest: object, version: string): string =>
  execFileSync(pythonFile, ['-c', validate, version], { input: JSON.stringify(manifest), encoding: 'utf8' });

describe.each(['1.29', '1.37'])('by the schemas of Kubernetes %s', (version) => {
  test.each(documents)('$name is valid', ({ manifest }) => {
    expect(problemsOf(manifest, version)).toBe('');
  });

  test('a field that does not exist is found', () => {
    const [first] = documents;
    expect(problemsOf({ ...first?.manifest, dta: {} }, version)).toMatch(/'dta' was unexpected/);
  });
});
