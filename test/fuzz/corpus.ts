import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const folder = path.join(import.meta.dirname, 'corpus');

/** The inputs that are kept for a target: each run tries them first. */
export function corpusOf(target: string): Uint8Array[] {
  const place = path.join(folder, target);
  if (!existsSync(place)) return [];
  return readdirSync(place)
    .sort()
    .map((file) => readFileSync(path.join(place, file)));
}

/** Keeps an input that failed, and returns its file. */
export function keepInput(target: string, input: Uint8Array): string {
  const place = path.join(folder, target);
  mkdirSync(place, { recursive: true });
  const name = createHash('sha256').update(input).digest('hex').slice(0, 12);
  const file = path.join(place, `failed-${name}.bin`);
  writeFileSync(file, input);
  return file;
}
