import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');

/** The instructions of a Dockerfile, each with its arguments, in order. */
function instructionsOf(file: string): [string, string][] {
  const lines = readFileSync(path.join(root, file), 'utf8').split('\n');
  const instructions = lines.filter((line) => /^[A-Z]/.test(line));
  return instructions.map((line) => [line.split(' ')[0] ?? '', line.replace(/^\S+ /, '')]);
}

const programs = ['src/compose/image/Dockerfile', 'fixtures/node-plugin/Dockerfile'];

describe.each([...programs, 'fixtures/python-plugin/Dockerfile'])('%s', (file) => {
  const instructions = instructionsOf(file);
  const names = instructions.map(([name]) => name);

  test('lets its base be set, and pins a slim one', () => {
    expect(instructions.slice(0, 2)).toEqual([
      ['ARG', expect.stringMatching(/^BASE=(?:node|python):\d[\d.]*-(?:bookworm-slim|slim-bookworm)$/)],
      ['FROM', expect.stringContaining('{BASE}')],
    ]);
  });

  test('ends as a user that is not root, named by number', () => {
    expect(instructions.filter(([name]) => name === 'USER')).toEqual([['USER', '1000:1000']]);
    expect(names.slice(names.indexOf('USER'))).not.toContain('RUN');
  });
});

test.each(programs)('%s runs nothing while it is built, so that either architecture can build both', (file) => {
  expect(instructionsOf(file).map(([name]) => name)).not.toContain('RUN');
});

test.each([
  ['fixtures/node-plugin/Dockerfile', ['package.json ./', 'node_modules ./node_modules', 'plugin.js ./']],
  [
    'fixtures/python-plugin/Dockerfile',
    ['requirements.txt ./', 'meridian ./meridian', 'contract_v1.py streams.py plugin.py ./'],
  ],
])('%s copies what the plugin depends on before its source', (file, copies) => {
  expect(instructionsOf(file).flatMap(([name, words]) => (name === 'COPY' ? [words] : []))).toEqual(copies);
});

test.each(['node-plugin', 'python-plugin'])(
  'the .dockerignore of %s lets in just what its Dockerfile copies',
  (name) => {
    const folder = `fixtures/${name}`;
    const copied = instructionsOf(`${folder}/Dockerfile`).flatMap(([instruction, words]) =>
      instruction === 'COPY' ? words.split(' ').slice(0, -1) : [],
    );
    const ignore = readFileSync(path.join(root, folder, '.dockerignore'), 'utf8')
      .trim()
      .split('\n');
    const letIn = ignore.flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
    expect(copied.filter((file) => !letIn.some((pattern) => path.matchesGlob(file, pattern)))).toEqual([]);
    expect(letIn.filter((pattern) => !copied.some((file) => path.matchesGlob(file, pattern)))).toEqual([]);
  },
);
