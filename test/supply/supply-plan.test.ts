import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { ErrorList } from '../../src/base/user-facing-error.ts';
import { noBindings } from '../../src/contract/config/bus/service-binding.ts';
import { launchYml } from '../../src/supply/launch-yml.ts';
import { readStagingInputs } from '../../src/supply/staging-inputs.ts';
import { findWarnings, planSupply } from '../../src/supply/supply-plan.ts';

const inputs = readStagingInputs({
  environment: { POOL_TYPE: 'OMSPool' },
  configFile: undefined,
  bindings: noBindings,
});
const neighbours = { procfile: undefined, earlier: [] };
const options = { inputs, neighbours, version: '0.1.0', depsIdx: '0' };
const manifest = { language: 'x', nodeVersion: '24.18.0', includeFiles: [], nodeEndOfLife: '2028-04-30' };

test('launch.yml declares one process with integer memory, a list of types and a command that the platform can signal', () => {
  expect(parse(launchYml({ depsIdx: '03', memoryMb: 96, sidecarFor: ['web', 'worker'] }))).toEqual({
    processes: [
      {
        type: 'meridian-sidecar',
        command: 'exec "$DEPS_DIR/03/bin/meridian-sidecar" run',
        limits: { memory: 96 },
        platforms: { cloudfoundry: { sidecar_for: ['web', 'worker'] } },
      },
    ],
  });
});

test('writes one file into the app and puts nothing but meridian-sidecar on its PATH', () => {
  const plan = planSupply(options);
  expect(plan.appFiles.map((file) => file.path)).toEqual(['.profile.d/meridian-sidecar.sh']);
  expect(plan.depsFiles.map((file) => file.path)).toEqual(['bin/meridian-sidecar', 'config.yml', 'launch.yml']);
});

test('refuses with the errors of the variables and of the neighbours together', () => {
  const faulty = readStagingInputs({
    environment: { SIDECAR_MEMORY: 'x' },
    configFile: undefined,
    bindings: noBindings,
  });
  const plan = (): unknown =>
    planSupply({ ...options, inputs: faulty, neighbours: { ...neighbours, procfile: 'meridian-sidecar: a' } });
  expect(plan).toThrow(ErrorList);
  expect(plan).toThrow(/SIDECAR_MEMORY.*A process named `meridian-sidecar` is already in the Procfile/);
});

test('warns of types without a process, of sidecars that the platform loses, and of a runtime near its end', () => {
  const sources = { ...options, manifest, nowMs: Date.parse('2028-04-10'), depsIdx: '11' };
  expect(findWarnings({ ...sources, neighbours: { ...neighbours, procfile: 'worker: a' } })).toEqual([
    expect.stringContaining('The Procfile has no process type `web`'),
    expect.stringContaining('ten buildpacks or more'),
    expect.stringContaining('no more fixes after 2028-04-30'),
  ]);
  expect(findWarnings({ ...sources, depsIdx: '0', nowMs: Date.parse('2026-06-01') })).toEqual([]);
});
