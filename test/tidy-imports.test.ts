import path from 'node:path';
import { expect, test } from 'vitest';
import { sourcesIn } from './tidy-sources.ts';

const contract = ['contract/wire', 'contract/config'];

/** The architecture: a part may import itself and the parts listed. `docs/architecture.md` gives the reasons. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [],
  'contract/wire': ['base'],
  'contract/config': ['base'],
  transport: ['base'],
  audit: [...contract, 'base'],
  sidecar: ['audit', ...contract, 'transport', 'base'],
  bus: ['audit', ...contract, 'transport', 'base'],
  simulation: [...contract, 'transport', 'base'],
  plugin: ['contract/wire', 'transport', 'base'],
  conformance: ['plugin', 'bus', 'sidecar', ...contract, 'base'],
  testing: ['simulation', 'plugin', 'bus', 'sidecar', ...contract, 'transport', 'base'],
  buildpack: ['base'],
  supply: ['buildpack', 'contract/config', 'base'],
  packager: ['buildpack', 'base'],
  codegen: [],
  local: ['base'],
  compose: ['contract/config', 'base'],
  doctor: [...contract, 'transport', 'compose', 'buildpack', 'base'],
};
const everyPart = [...Object.keys(mayImport), 'cli'];
const allowed: Readonly<Record<string, readonly string[]>> = { ...mayImport, cli: everyPart };

// Static, type-only, side-effect, re-exporting and dynamic imports, and `import()` types.
const specifier = /(?:from\s*|import\s*\(?\s*)['"](\.[^'"]+)['"]/g;

const sources = sourcesIn('src');

function partOf(file: string): string {
  return everyPart.find((part) => file.startsWith(`src/${part}/`)) ?? file;
}

test('every file of src belongs to a part of the table', () => {
  expect(sources.map(({ file }) => partOf(file)).filter((part) => !(part in allowed))).toEqual([]);
});

test.each(everyPart)('%s imports only parts that it may know', (part) => {
  const outside = sources
    .filter(({ file }) => partOf(file) === part)
    .flatMap(({ file, code }) => importsOf(file, code).map((imports) => ({ file, imports })))
    .filter(({ imports }) => partOf(imports) !== part && !(allowed[part] ?? []).includes(partOf(imports)));
  expect(outside).toEqual([]);
});

test('relative imports name the file with its extension', () => {
  const bare = sources.flatMap(({ file, code }) =>
    [...code.matchAll(specifier)]
      .filter((match) => !/\.(?:ts|mjs)$/.test(match[1] ?? ''))
      .map((match) => [file, match[1]]),
  );
  expect(bare).toEqual([]);
});

test('no file imports itself by way of others, types counted', () => {
  const imports = new Map(sources.map(({ file, code }) => [file, importsOf(file, code)]));
  const open: string[] = [];
  const done = new Set<string>();
  const circles: string[] = [];
  const follow = (file: string): void => {
    if (open.includes(file)) circles.push([...open.slice(open.indexOf(file)), file].join(' → '));
    if (open.includes(file) || done.has(file)) return;
    open.push(file);
    for (const imported of imports.get(file) ?? []) follow(imported);
    open.pop();
    done.add(file);
  };
  for (const file of imports.keys()) follow(file);
  expect(circles).toEqual([]);
});

function importsOf(file: string, code: string): string[] {
  return [...code.matchAll(specifier)].map((match) => path.posix.join(path.posix.dirname(file), match[1] ?? ''));
}
