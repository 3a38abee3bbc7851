import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { manifestsOf, readManifests } from './engine/manifests.ts';

const text = readFileSync(path.resolve(import.meta.dirname, '../../fixtures/kubernetes/plugin.yaml'), 'utf8');

test('everything that the manifests say is played', () => {
  expect(readManifests('bus.yaml', 'plugin.yaml').sets.map(({ name }) => name)).toEqual(['meridian-bus', 'quotes']);
});

test.each([
  ['a field of a container', 'image: registry.example/quotes:1.0.0', 'image: a\n          tty: true'],
  ['a field of a probe', 'failureThreshold: 60', 'initialDelaySeconds: 5'],
  ['a regular init container', '          restartPolicy: Always\n', ''],
  ['another value', 'readOnlyRootFilesystem: true', 'readOnlyRootFilesystem: false'],
  [
    'an annotation',
    'metadata:\n  name: quotes\nstringData',
    'metadata:\n  name: quotes\n  annotations: {}\nstringData',
  ],
  ['another kind', 'kind: StatefulSet', 'kind: Deployment'],
])('%s that is not played is refused', (_, from, to) => {
  expect(text).toContain(from);
  expect(() => manifestsOf(text.replace(from, to))).toThrow(/no test plays/);
});

test('a set whose service selects other pods is refused', () => {
  const [secret, service, set] = text.split('\n---\n').map((document) => parse(document));
  service.spec.selector.app = 'other';
  expect(() => manifestsOf([secret, service, set].map((each) => stringify(each)).join('---\n'))).toThrow(
    'the service quotes of StatefulSet quotes does not select its pods',
  );
});
