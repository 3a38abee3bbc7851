import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundle, type ProgramName, programs } from '../../src/packager/bundle.ts';

const root = path.resolve(import.meta.dirname, '../..');
let metafiles: Awaited<ReturnType<typeof bundle>>;
beforeAll(async () => {
  metafiles = await bundle(root);
});

const inputsOf = (name: ProgramName): string[] => Object.keys(metafiles[name].inputs);
const packagesIn = (name: ProgramName): string[] => [
  ...new Set(inputsOf(name).flatMap((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? [])),
];

describe('bundles', () => {
  test("the sidecar's holds neither commander nor fs-extra, and nothing of supply", () => {
    expect(packagesIn('sidecar')).not.toContain('commander');
    expect(packagesIn('sidecar')).not.toContain('fs-extra');
    expect(inputsOf('sidecar').filter((file) => file.startsWith('src/supply/'))).toEqual([]);
  });

  test("supply's holds no wire code and no RPC", () => {
    expect(packagesIn('supply')).not.toContain('@bufbuild/protobuf');
    expect(packagesIn('supply')).not.toContain('@grpc/grpc-js');
    expect(inputsOf('supply').filter((file) => /^src\/(contract\/wire|transport|sidecar)\//.test(file))).toEqual([]);
  });

  // What is loaded is paid for in start-up time and memory in every container; a budget makes growth a decision.
  test.each([
    ['supply', 450],
    ['sidecar', 1_400],
  ] as const)('%s weighs at most %i KiB', (name, budgetKib) => {
    expect(readFileSync(path.join(root, programs[name].outfile)).length).toBeLessThanOrEqual(budgetKib * 1024);
  });

  test('bundling again gives the same bytes, with no path of this machine in them', async () => {
    const before = bundleDigests();
    await bundle(root);
    expect(bundleDigests()).toEqual(before);
    for (const { outfile } of builtPrograms())
      expect(readFileSync(path.join(root, outfile), 'utf8')).not.toContain(root);
  });
});

function builtPrograms() {
  return Object.entries(programs)
    .filter(([name]) => name in metafiles)
    .map(([, program]) => program);
}

function bundleDigests(): string[] {
  return builtPrograms().map(({ outfile }) =>
    createHash('sha256')
      .update(readFileSync(path.join(root, outfile)))
      .digest('hex'),
  );
}
