import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { dropletManifest } from '../../src/local/droplet-manifest.ts';
import type { StagingResult } from '../../src/local/staging-result.ts';

const result: StagingResult = {
  lifecycle_metadata: { detected_buildpack: '', buildpacks: [] },
  process_types: { web: 'node plugin.js', worker: 'node worker.js' },
  sidecars: [{ name: 'agent', process_types: ['web'], command: 'exec agent', memory: 64 }],
  execution_metadata: '',
  lifecycle_type: 'buildpack',
};

const appOf = (manifest: string | undefined, found: Partial<StagingResult> = {}): unknown =>
  parse(dropletManifest({ manifest, appName: 'folder', result: { ...result, ...found } })).applications[0];

test('adds the start commands and the sidecars that staging found', () => {
  expect(appOf('applications: [{name: quotes, memory: 384M, env: {POOL_TYPE: DGMPool}}]')).toEqual({
    name: 'quotes',
    command: 'node plugin.js',
    memory: '384M',
    env: { POOL_TYPE: 'DGMPool' },
    processes: [{ type: 'worker', command: 'node worker.js', instances: 0 }],
    sidecars: [{ name: 'agent', process_types: ['web'], command: 'exec agent', memory: '64M' }],
  });
});

test.each<[string, string | undefined, object]>([
  ['names an app without a manifest for its folder', undefined, { name: 'folder', command: 'node plugin.js' }],
  ['keeps a start command of the manifest', 'applications: [{name: a, command: own}]', { command: 'own' }],
  [
    'completes the processes of the manifest',
    'applications: [{name: a, processes: [{type: worker, memory: 64M}, {type: web, command: own}, {type: odd}]}]',
    {
      processes: [
        { type: 'worker', command: 'node worker.js', memory: '64M' },
        { type: 'web', command: 'own' },
        { type: 'odd' },
      ],
    },
  ],
])('%s', (_fact, manifest, expected) => {
  expect(appOf(manifest)).toMatchObject(expected);
});

test('leaves out what only a staging uses', () => {
  const keys = Object.keys(appOf('applications: [{name: a, buildpacks: [x], path: ., stack: s}]') as object);
  expect(keys).toEqual(['name', 'command', 'processes', 'sidecars']);
});

test('has no sidecars, and no processes, when there are none', () => {
  const { sidecars: _, ...without } = result;
  const app = parse(
    dropletManifest({ manifest: undefined, appName: 'a', result: { ...without, process_types: { web: 'run' } } }),
  ).applications[0];
  expect(app).toEqual({ name: 'a', command: 'run' });
});
