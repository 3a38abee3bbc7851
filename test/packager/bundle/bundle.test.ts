import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle, type ProgramName, programs } from '../../../src/packager/bundle/bundle.ts';

const root = path.resolve(import.meta.dirname, '../../..');
// Not in dist/, which other tests run programs from meanwhile.
const outRoots = [0, 1].map(() => mkdtempSync(path.join(tmpdir(), 'meridian-bundle-')));
let metafiles: Awaited<ReturnType<typeof bundle>>;
beforeAll(async () => {
  for (const outRoot of outRoots) metafiles = await bundle({ root, outRoot });
});
afterAll(() => {
  for (const outRoot of outRoots) rmSync(outRoot, { recursive: true, force: true });
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

  test("the sidecar's reads of the app's environment only what is meant for it, and what says where a log is", () => {
    const read = [...(bundleTexts(outRoots[0])['sidecar']?.matchAll(/\benv\.([A-Za-z_]+)/g) ?? [])].map(
      ([, name = '']) => name,
    );
    // A proxy is for SIDECAR_BUS_PROXY to name.
    const ofLibraries = new Set(read.filter((name) => !name.startsWith('SIDECAR_')));
    expect([...ofLibraries].sort()).toEqual(['LOG_STREAM', 'LOG_TOKENS', 'RES_OPTIONS']);
  });

  test.each(['sidecar', 'cli', 'plugin', 'testing'] as const)("%s's speaks gRPC by our own transport alone", (name) => {
    expect(packagesIn(name)).not.toContain('@grpc/grpc-js');
    expect(inputsOf(name)).toContain('src/transport/http2/connection.ts');
  });

  test.each(['sidecar', 'cli', 'plugin', 'testing'] as const)(
    "%s's holds no library for Protobuf messages, only our codecs",
    (name) => {
      expect(packagesIn(name)).not.toContain('@bufbuild/protobuf');
      expect(inputsOf(name)).toContain('src/contract/wire/codec/wire-reader.ts');
      expect(bundleTexts(outRoots[0])[name]).not.toContain('fileDesc(');
    },
  );

  test.each(Object.keys(programs) as ProgramName[])(
    '%s holds no library for metrics, and evaluates the one for YAML from a text, when it is used',
    (name) => {
      expect(packagesIn(name)).not.toContain('prom-client');
      const evaluated = Object.values(metafiles[name].outputs).flatMap((output) => Object.keys(output.inputs));
      expect(evaluated.filter((file) => file.startsWith('node_modules/yaml/'))).toEqual([]);
    },
  );

  test("supply's holds no wire code and no RPC", () => {
    expect(packagesIn('supply')).not.toContain('@bufbuild/protobuf');
    expect(packagesIn('supply')).not.toContain('@grpc/grpc-js');
    expect(inputsOf('supply').filter((file) => /^src\/(contract\/wire|transport|sidecar)\//.test(file))).toEqual([]);
  });

  test("the test kit's holds no package, and takes what the client exports from the client", () => {
    expect(packagesIn('testing')).toEqual([]);
    expect(inputsOf('testing')).toContain('src/sidecar/sidecar.ts');
    const ofClient = ['src/plugin/plugin.ts', 'src/plugin/index.ts', 'src/transport/rpc-error.ts'];
    expect(inputsOf('testing').filter((file) => ofClient.includes(file))).toEqual([]);
    expect(bundleTexts(outRoots[0])['testing']).not.toMatch(
      /class \w* ?extends Error\{name="(?:RpcError|NotAdmittedError)"/,
    );
  });

  test("the one that Compose asks for metadata holds no package, and the provider's no RPC", () => {
    expect(packagesIn('compose')).toEqual([]);
    expect(packagesIn('composeProgram')).not.toContain('@grpc/grpc-js');
  });

  test.each(Object.keys(programs) as ProgramName[])(
    '%s imports nothing that an older Node may not have, before it looks at Node',
    (name) => {
      const imports = Object.values(metafiles[name].outputs).flatMap((output) => output.imports);
      const statements = imports.filter(({ kind }) => kind === 'import-statement');
      const others = statements.filter((each) => name !== 'testing' || each.path !== './meridian-plugin.mjs');
      expect(others).toEqual([]);
      expect(bundleTexts(outRoots[0])[name]).toMatch(/^if \(Number\.parseInt\(process\.versions\.node/);
    },
  );

  // What is loaded is paid for in start-up time and memory in every container; a budget makes growth a decision.
  test.each([
    ['supply', 260],
    ['sidecar', 600],
    // 180 KiB are the NATS library, a text that is evaluated when a store on NATS is opened.
    ['cli', 1_500],
    ['compose', 32],
    ['composeProgram', 320],
    ['plugin', 330],
    ['testing', 640],
  ] as const)('%s weighs at most %i KiB', (name, budgetKib) => {
    expect(bundleTexts(outRoots[0])[name]?.length).toBeLessThanOrEqual(budgetKib * 1024);
  });

  test('bundling again, elsewhere, gives the same bytes with no path of this machine in them', () => {
    const [first, second] = outRoots.map(bundleTexts);
    expect(second).toEqual(first);
    for (const text of Object.values(first ?? {})) expect(text).not.toContain(root);
  });
});

function bundleTexts(outRoot = ''): Record<string, string> {
  const built = Object.entries(programs).filter(([name]) => name in metafiles);
  return Object.fromEntries(
    built.map(([name, { outfile }]) => [name, readFileSync(path.join(outRoot, outfile), 'utf8')]),
  );
}
