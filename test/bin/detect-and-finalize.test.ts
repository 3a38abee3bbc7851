import path from 'node:path';
import { expect, test } from 'vitest';
import { runUnprivileged } from './staging-area.ts';

test('detect claims no app and says nothing', () => {
  expect(runUnprivileged(path.resolve('bin/detect'), ['/'])).toMatchObject({ status: 1, stdout: '', stderr: '' });
});

test('finalize explains the order of buildpacks and fails', () => {
  const result = runUnprivileged(path.resolve('bin/finalize'), ['/a', '/b', '/c', '0', '/d']);
  expect(result.status).toBe(78);
  expect(result.stderr).toContain('cf push -b meridian-sidecar -b nodejs_buildpack');
  expect(result.stderr).toContain('[supply/order/last]');
});
