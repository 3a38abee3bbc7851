import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { programs } from '../../src/packager/bundle/bundle.ts';
import { requiredNode } from '../../src/packager/required-node.ts';

const root = path.resolve(import.meta.dirname, '../..');
const { plugin, testing, ...others } = programs;
const files = Object.values(others).map(({ outfile }) => path.join(root, outfile));
const libraries = [plugin, testing].map(({ outfile }) => path.join(root, outfile));

/** This Node, which says that it is an older one. */
const pretending = [
  process.execPath,
  '--import',
  `data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } })`,
];

/** The Nodes of this machine that are older than what the bundles need, if there are any. */
const older = (process.env['PATH'] ?? '')
  .split(path.delimiter)
  .map((folder) => path.join(folder, 'node'))
  .filter((file) => existsSync(file) && majorOf(file) < requiredNode.client);

const nodes = [pretending, ...older.map((file) => [file])];

function run([file = '', ...args]: readonly string[], ...more: string[]) {
  return spawnSync(file, [...args, ...more], { encoding: 'utf8', env: {} });
}

function majorOf(file: string): number {
  return Number.parseInt(run([file], '--print', 'process.versions.node').stdout, 10);
}

describe.each(nodes.map((node) => ({ node, name: node[0] === process.execPath ? 'a pretended 20.1.0' : node[0] })))(
  'on an older Node, $name,',
  ({ node }) => {
    test.each(files.map((file) => path.relative(root, file)))(
      '%s says in one line which it needs, and ends',
      (file) => {
        const { status, stdout, stderr } = run(node, path.join(root, file), 'compose', 'metadata');
        expect(stderr).toMatch(
          /^meridian-sidecar needs Node 24 or newer, and this is Node \d+\.\d+\.\d+: .* {2}\[node\/version\/too-old\]\n$/,
        );
        expect({ status, stdout }).toEqual({ status: 78, stdout: '' });
      },
    );

    test.each(libraries.map((file) => path.relative(root, file)))('%s fails its import with one line', (file) => {
      const code = `import(${JSON.stringify(path.join(root, file))}).catch(({ name, message }) => console.log(name + ': ' + message))`;
      expect(run(node, '--eval', code).stdout).toMatch(
        /^Error: meridian-plugin\.mjs needs Node 22 or newer, and this is Node \d+\.\d+\.\d+: .* {2}\[node\/version\/too-old\]\n$/,
      );
    });
  },
);

test('what the docs print runs on any Node that npm runs on', () => {
  for (const page of [
    'README.md',
    ...['compose', 'operators', 'cloud-foundry', 'pipeline', 'bus'].map((name) => `docs/${name}.md`),
  ]) {
    expect(readFileSync(path.join(root, page), 'utf8'), page).not.toMatch(/^\$? ?node (dist|src)\//m);
  }
});
