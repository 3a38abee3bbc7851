import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { root } from './tidy-sources.ts';

test('a path that must not exist is below /proc, where no machine can have it', () => {
  const own = path.basename(import.meta.filename);
  const files = readdirSync(path.join(root, 'test'), { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && file !== own,
  );
  const invented = /(?<=['"`= ])\/(?:nowhere|nonexistent|no|none|nope|nothing|missing)(?=[/.'"`])/;
  expect(files.filter((file) => invented.test(readFileSync(path.join(root, 'test', file), 'utf8')))).toEqual([]);
});
