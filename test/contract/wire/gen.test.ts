import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../../..');
const wire = path.join(root, 'src/contract/wire');

test('regenerating from the proto files gives the committed code, byte for byte', () => {
  const fresh = mkdtempSync(path.join(tmpdir(), 'meridian-gen-'));
  onTestFinished(() => rmSync(fresh, { recursive: true, force: true }));
  // buf starts the generator by the `node` on PATH, where `npm run` puts ours; a test that is started otherwise needs it there too.
  const bin = path.join(root, 'node_modules/.bin');
  execFileSync(path.join(bin, 'buf'), ['generate', '--output', fresh], {
    cwd: wire,
    env: { ...process.env, PATH: `${bin}${path.delimiter}${process.env['PATH']}` },
    stdio: 'pipe',
  });
  expect(filesUnder(path.join(fresh, 'gen'))).toEqual(filesUnder(path.join(wire, 'gen')));
});

function filesUnder(directory: string): Record<string, string> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const texts = entries.map((entry): [string, string] => {
    const file = path.join(entry.parentPath, entry.name);
    return [path.relative(directory, file), readFileSync(file, 'utf8')];
  });
  return Object.fromEntries(texts.sort(([one], [other]) => one.localeCompare(other)));
}
