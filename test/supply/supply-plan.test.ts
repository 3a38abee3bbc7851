import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { launchYml } from '../../src/supply/launch-yml.ts';
import { type PlanOptions, planSupply } from '../../src/supply/supply-plan.ts';

const options: PlanOptions = {
  inputs: { memoryMb: 128, sidecarFor: ['web'], warnings: [] },
  neighbours: { procfile: undefined, launchFiles: [] },
  manifest: { language: 'meridian-sidecar', nodeVersion: '24.18.0', includeFiles: [], nodeEndOfLife: '2028-04-30' },
  version: '0.1.0',
  depsIdx: '0',
  nowMs: Date.parse('2026-06-01'),
};

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

test('writes one file into the app and puts no node on its PATH', () => {
  const plan = planSupply(options);
  expect(plan.appFiles.map((file) => file.path)).toEqual(['.profile.d/meridian-sidecar.sh']);
  expect(plan.depsFiles.map((file) => file.path)).toEqual(['bin/meridian-sidecar', 'config.yml', 'launch.yml']);
  expect(plan.warnings).toEqual([]);
});

test.each([
  ['the Procfile', { procfile: 'web: run\nmeridian-sidecar: run\n', launchFiles: [] }],
  [
    'the launch.yml of another buildpack',
    {
      procfile: undefined,
      launchFiles: [{ path: 'deps/0/launch.yml', text: 'processes: [{type: meridian-sidecar}]' }],
    },
  ],
])('refuses a process of its own name in %s', (_place, neighbours) => {
  expect(() => planSupply({ ...options, neighbours })).toThrow(/A process named `meridian-sidecar` is already in/);
});

test.each(['a: [', '- 1', 'processes: 3', ''])('does not judge the launch.yml %j of another buildpack', (text) => {
  const neighbours = { procfile: undefined, launchFiles: [{ path: 'deps/0/launch.yml', text }] };
  expect(planSupply({ ...options, neighbours }).warnings).toEqual([]);
});

test('warns where ten buildpacks make the platform lose the sidecar, and when the runtime nears its end', () => {
  const nowMs = Date.parse('2028-04-10');
  expect(planSupply({ ...options, depsIdx: '00', nowMs }).warnings).toEqual([
    expect.stringContaining('ten buildpacks or more'),
    expect.stringContaining('no more fixes after 2028-04-30'),
  ]);
});
