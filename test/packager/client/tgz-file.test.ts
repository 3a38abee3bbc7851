import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { writeTgz } from '../../../src/packager/client/tgz-file.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'meridian-tgz-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const file = path.join(directory, 'made.tgz');

test('what is packed, in any order, is what tar unpacks, and the bytes are the same', async () => {
  const bytes = fc.uint8Array({ maxLength: 2_000 }).map((each) => Buffer.from(each));
  await fc.assert(
    fc.asyncProperty(fc.array(bytes, { minLength: 1, maxLength: 4 }), async (contents) => {
      const entries = contents.map((each, index) => ({
        path: `package/${'x'.repeat(20 * index)}${index}`,
        bytes: each,
      }));
      await writeTgz(file, entries);
      const made = readFileSync(file);
      await writeTgz(file, entries.toReversed());
      expect(readFileSync(file).equals(made)).toBe(true);
      const out = mkdtempSync(path.join(directory, 'out-'));
      execFileSync('tar', ['-xzf', file, '-C', out]);
      for (const entry of entries) expect(readFileSync(path.join(out, entry.path)).equals(entry.bytes)).toBe(true);
    }),
    { numRuns: 15, examples: [[[Buffer.alloc(0), Buffer.alloc(512, 'a'), Buffer.alloc(513, 'b')]]] },
  );
});

test.each(['', 'a b', 'ä', 'x'.repeat(101)])('a path that the format cannot hold is refused: "%s"', async (name) => {
  await expect(writeTgz(file, [{ path: name, bytes: Buffer.from('a') }])).rejects.toThrow(/a path in a \.tgz has/);
});
