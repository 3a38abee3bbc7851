import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Benchmark } from '../benchmark.ts';

const dist = path.resolve(import.meta.dirname, '../../../dist');
const bundles = ['sidecar', 'supply', 'cli'] as const;

/** What the bundles weigh, as they are and compressed; the same on every machine. */
export const bundleSize: Benchmark = {
  plans: bundles.map((name) => ({ row: `${name}.mjs compressed`, unit: 'kB', beside: 'its bytes' })),
  async run() {
    return bundles.map((name) => {
      const bytes = readFileSync(path.join(dist, `${name}.mjs`));
      return [{ measured: gzipSync(bytes).length / 1_000, baseline: bytes.length / 1_000 }];
    });
  },
};
