import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Benchmark } from './benchmark.ts';

const dist = path.resolve(import.meta.dirname, '../../dist');

/** What the bundles weigh, as they are and compressed; the same on every machine. */
export const bundleSize: Benchmark = {
  name: 'size',
  async run() {
    return ['sidecar', 'supply', 'cli'].map((name) => {
      const bytes = readFileSync(path.join(dist, `${name}.mjs`));
      const pairs = [{ measured: gzipSync(bytes).length / 1_000, baseline: bytes.length / 1_000 }];
      return { what: `${name}.mjs compressed, to its bytes`, unit: 'kB', pairs };
    });
  },
};
