import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { fuzz } from './fuzz.ts';
import type { FuzzReport } from './fuzz-run.ts';
import { mutate } from './mutate.ts';

let folder: string;
beforeEach(() => {
  for (const name of ['FUZZ_INPUTS', 'FUZZ_SEED']) vi.stubEnv(name, undefined);
  folder = mkdtempSync(path.join(tmpdir(), 'fuzz-'));
  mkdirSync(path.join(folder, 'targets'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** Tries a target whose `run` has this body. */
function tryRun(body: string, { inputs = 2_000, hangMs = 20_000 } = {}): Promise<FuzzReport> {
  const code = `export const target = { seeds: [Uint8Array.of(1, 2, 3)], run(input) { ${body} } };\nconst kept = [];\n`;
  writeFileSync(path.join(folder, 'targets', 'x.ts'), code);
  return fuzz({ name: 'x', inputs, hangMs, folder });
}

function kept(): Uint8Array[] {
  const corpus = path.join(folder, 'corpus', 'x');
  return readdirSync(corpus).map((file) => readFileSync(path.join(corpus, file)));
}

test('a target that takes everything is tried with each input, and what came of it is counted', async () => {
  const { tried, outcomes } = await tryRun('return input.length > 3 ? "longer" : "short";');
  expect(tried).toBe(2_001);
  expect([...outcomes.keys()].sort()).toEqual(['longer', 'short']);
  expect([...outcomes.values()].reduce((sum, each) => sum + each)).toBe(2_001);
});

test.each([
  {
    title: 'an error',
    body: 'if (input.length > 5) throw new Error("too long"); return "";',
    failure: /Error: too long/,
  },
  {
    title: 'a rejection',
    body: 'return input.length > 5 ? Promise.reject(new Error("too long")) : "";',
    failure: /too long/,
  },
  {
    title: 'a slow input',
    body: 'for (const end = performance.now() + 150; performance.now() < end;); return "";',
    failure: /100 ms are allowed/,
  },
  { title: 'too much memory', body: 'for (;;) kept.push(new Array(10_000).fill(0.5));', failure: /heap out of memory/ },
  { title: 'an end of the process', body: 'process.exit(3);', failure: /exit code 3/ },
])('$title fails the run, and its input is kept', async ({ body, failure }) => {
  await expect(tryRun(body)).rejects.toThrow(failure);
  expect(kept()).toHaveLength(1);
});

test('an input that never ends fails the run, and is kept', async () => {
  await expect(tryRun('for (;;);', { hangMs: 500 })).rejects.toThrow(
    / is 010203: the input has not been read after 0.5 s/,
  );
  expect(kept()).toEqual([Buffer.of(1, 2, 3)]);
});

test('an input that was kept is tried first', async () => {
  await expect(tryRun('if (input.length > 5) throw new Error("too long"); return "";')).rejects.toThrow();
  const [failed] = kept();
  await expect(
    tryRun('if (input.length > 5) throw new Error([...input].join()); return "";', { inputs: 0 }),
  ).rejects.toThrow([...(failed ?? [])].join());
});

test('a heap that grows with each input fails the run', async () => {
  await expect(tryRun('kept.push(new Array(2_000).fill(0.5)); return "";')).rejects.toThrow(/the heap has grown/);
});

test('the same seed gives the same changes, never more than the limit', () => {
  const input = Uint8Array.from({ length: 50 }, (_, index) => index);
  const changes = (seed: number): Uint8Array[] => {
    const random = seededRandom(seed);
    return Array.from({ length: 5_000 }, () => mutate(input, input, random, 60));
  };
  expect(changes(1)).toEqual(changes(1));
  expect(changes(1)).not.toEqual(changes(2));
  expect(Math.max(...changes(1).map(({ length }) => length))).toBe(60);
});
