import { expect, test } from 'vitest';
import { FaultList } from '../../src/base/user-facing-error.ts';
import { readStagingInputs } from '../../src/supply/staging-inputs.ts';

test('gives web a sidecar of 128 MB when nothing is said', () => {
  expect(readStagingInputs({ POOL_TYPE: 'OMSPool' })).toEqual({ memoryMb: 128, sidecarFor: ['web'], warnings: [] });
});

test('takes memory and process types from the environment, each type once', () => {
  const environment = { POOL_TYPE: 'OMSPool', SIDECAR_MEMORY: '192', SIDECAR_FOR: 'web, worker,web' };
  expect(readStagingInputs(environment)).toMatchObject({ memoryMb: 192, sidecarFor: ['web', 'worker'] });
});

test('warns of a missing POOL_TYPE, unless a configuration file may hold it', () => {
  expect(readStagingInputs({}).warnings).toEqual([expect.stringContaining('POOL_TYPE is not set')]);
  expect(readStagingInputs({ SIDECAR_CONFIG: 'sidecar.yml' }).warnings).toEqual([]);
});

test.each([
  ['SIDECAR_MEMORY', '128M', 'config/memory/not-megabytes'],
  ['SIDECAR_MEMORY', '64.5', 'config/memory/not-megabytes'],
  ['SIDECAR_MEMORY', '-5', 'config/memory/not-megabytes'],
  ['SIDECAR_MEMORY', '63', 'config/memory/not-megabytes'],
  ['SIDECAR_FOR', 'we b', 'config/for/malformed'],
  ['SIDECAR_FOR', 'web,', 'config/for/malformed'],
  ['REQUESTED_GRANTS', '[{topic: a}]', 'config/requested-grants/not-json'],
  ['POOL_TYPE', 'OMS Pool', 'config/pool-type/malformed'],
  ['INSTANCE_ID', '{org}-1', 'config/instance-id/unknown-placeholder'],
  ['INSTANCE_ID', 'a/b', 'config/instance-id/malformed'],
])('rejects %s=%s', (name, value, id) => {
  expect(() => readStagingInputs({ [name]: value })).toThrow(
    expect.objectContaining({ faults: [expect.objectContaining({ id, exitCode: 78 })] }),
  );
});

test('finds every fault in one pass', () => {
  const environment = { SIDECAR_MEMORY: 'x', SIDECAR_FOR: ';', REQUESTED_GRANTS: '{', TAGS: 'a b' };
  expect(() => readStagingInputs(environment)).toThrow(FaultList);
  expect(() => readStagingInputs(environment)).toThrow(/SIDECAR_MEMORY.*SIDECAR_FOR.*REQUESTED_GRANTS.*TAGS/);
});
