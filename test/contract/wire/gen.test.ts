import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../../..');
const wire = path.join(root, 'src/contract/wire');
const bin = path.join(root, 'node_modules/.bin');

test('regenerating from the proto files gives the committed code, byte for byte', () => {
  const fresh = mkdtempSync(path.join(tmpdir(), 'meridian-gen-'));
  onTestFinished(() => rmSync(fresh, { recursive: true, force: true }));
  generate(wire, '--output', fresh);
  expect(filesUnder(path.join(fresh, 'gen'))).toEqual(filesUnder(path.join(wire, 'gen')));
});

test.each([
  ['a map', 'map<string, string> labels = 1;'],
  ['an optional number', 'optional uint32 count = 1;'],
  ['a number with a fraction', 'double ratio = 1;'],
  ['a number of fixed size', 'fixed64 id = 1;'],
  ['a list that is not packed', 'repeated uint64 positions = 1 [packed = false];'],
])('the generator refuses %s, which no codec of ours knows', (_what, field) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'meridian-gen-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const plugin = { local: ['node', path.join(root, 'src/codegen/main.ts')], out: 'gen', opt: ['target=ts'] };
  writeFileSync(path.join(folder, 'buf.gen.yaml'), JSON.stringify({ version: 'v2', plugins: [plugin] }));
  writeFileSync(path.join(folder, 'a.proto'), `syntax = "proto3";\nmessage Unheard {\n  ${field}\n}\n`);
  expect(() => generate(folder)).toThrow(/Unheard\.\w+ is of a kind that src\/codegen does not know/);
});

/** buf starts the generator by the `node` on PATH, where `npm run` puts ours; a test that is started otherwise needs it there too. */
function generate(folder: string, ...options: readonly string[]): void {
  execFileSync(path.join(bin, 'buf'), ['generate', ...options], {
    cwd: folder,
    env: { ...process.env, PATH: `${bin}${path.delimiter}${process.env['PATH']}` },
    stdio: 'pipe',
  });
}

function filesUnder(directory: string): Record<string, string> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const texts = entries.map((entry): [string, string] => {
    const file = path.join(entry.parentPath, entry.name);
    return [path.relative(directory, file), readFileSync(file, 'utf8')];
  });
  return Object.fromEntries(texts.sort(([one], [other]) => one.localeCompare(other)));
}
