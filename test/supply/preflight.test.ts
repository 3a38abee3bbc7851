import { describe, expect, test } from 'vitest';
import { findLostSidecar, type StagedNeighbours, typesWithoutProcess } from '../../src/supply/preflight.ts';

const none: StagedNeighbours = { procfile: undefined, earlier: [] };
const own = 'processes: [{type: meridian-sidecar, command: run}]';

const withLaunch = (launch: string, config?: string): StagedNeighbours => ({
  procfile: undefined,
  earlier: [{ folder: 'deps/0', launch, config }],
});

describe('the sidecar would be lost', () => {
  test.each<[string, StagedNeighbours, string, string, string]>([
    [
      'a Procfile line',
      { ...none, procfile: 'web: a\nmeridian-sidecar: b\n' },
      '0',
      'launch/name-taken',
      'the Procfile',
    ],
    [
      'a quoted Procfile line',
      { ...none, procfile: '"meridian-sidecar": b' },
      '0',
      'launch/name-taken',
      'the Procfile',
    ],
    [
      'a Procfile that is no YAML',
      { ...none, procfile: 'web: [\nmeridian-sidecar: b' },
      '0',
      'launch/name-taken',
      'Procfile',
    ],
    ['an earlier launch.yml', withLaunch(own), '1', 'launch/name-taken', 'deps/0/launch.yml'],
    ['itself, listed twice', withLaunch(own, 'name: meridian-sidecar\n'), '1', 'order/twice', 'deps/0'],
    ['a padded index', none, '03', 'order/ten-buildpacks', 'DEPS_IDX is 03'],
  ])('to %s', (_what, neighbours, depsIdx, id, found) => {
    expect(findLostSidecar(neighbours, depsIdx)).toEqual([
      expect.objectContaining({ id: `supply/${id}`, exitCode: 78, message: expect.stringContaining(found) }),
    ]);
  });

  test('in several ways, all told at once', () => {
    const neighbours = { ...withLaunch(own), procfile: 'meridian-sidecar: a' };
    expect(findLostSidecar(neighbours, '09')).toHaveLength(3);
  });
});

test.each(['a: [', '- 1', 'processes: 3', 'processes: [null]', '', 'processes: [{type: other}]'])(
  'the launch.yml %j of another buildpack is no business of supply',
  (text) => {
    expect(findLostSidecar(withLaunch(text, 'name: other'), '1')).toEqual([]);
  },
);

test.each(['0', '9', '10', '11'])('DEPS_IDX %s loses nothing', (depsIdx) => {
  expect(findLostSidecar(none, depsIdx)).toEqual([]);
});

test.each<[string, StagedNeighbours, readonly string[]]>([
  ['no Procfile', none, []],
  ['a Procfile with one of the two', { ...none, procfile: 'web: node plugin.js' }, ['worker']],
  ['a Procfile with neither', { ...none, procfile: 'clock: node clock.js' }, ['web', 'worker']],
  [
    'an earlier buildpack that declares the other',
    { ...withLaunch('processes: [{type: worker}]'), procfile: 'web: a' },
    [],
  ],
])('types without a process, with %s', (_what, neighbours, missing) => {
  expect(typesWithoutProcess(neighbours, ['web', 'worker'])).toEqual(missing);
});
