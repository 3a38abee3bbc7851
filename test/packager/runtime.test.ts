import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packagePaths } from '../../src/buildpack/layout.ts';
import { prepareRuntime } from '../../src/packager/runtime.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'checkout-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test('prepares the same runtime every time, with its checksum and nothing else beside it', async () => {
  symlinkSync(path.resolve('node_modules'), path.join(root, 'node_modules'));
  const checksums: string[] = [];
  for (const _ of [1, 2]) {
    await prepareRuntime({ root });
    checksums.push(readFileSync(path.join(root, packagePaths.runtimeChecksum), 'utf8'));
  }
  const runtime = readFileSync(path.join(root, packagePaths.runtime));
  const expected = `${createHash('sha256').update(runtime).digest('hex')}  node\n`;
  expect(checksums).toEqual([expected, expected]);
  expect(readdirSync(path.join(root, 'dist/runtime'))).toEqual(['node', 'node.sha256']);
});

test('says how to get a runtime that npm did not bring', async () => {
  await expect(prepareRuntime({ root })).rejects.toMatchObject({ id: 'packager/runtime/missing' });
});
