import path from 'node:path';
import { expect, test } from 'vitest';
import { runUnprivileged } from './staging-area.ts';

test('detect claims no app and says nothing', () => {
  expect(runUnprivileged(path.resolve('bin/detect'), ['/'])).toMatchObject({ status: 1, stdout: '', stderr: '' });
});

test.each([
  ['the only buildpack', '0'],
  ['the only buildpack', '00'],
  ['the last buildpack', '2'],
  ['the last buildpack', '09'],
])('finalize explains to %s, at index %s, what must follow, and fails', async (place, depsIdx) => {
  const result = runUnprivileged(path.resolve('bin/finalize'), ['/a', '/b', '/c', depsIdx, '/d']);
  expect(result).toMatchObject({ status: 78, stdout: '' });
  expect(result.stderr).toContain(`meridian-sidecar is ${place} of this app`);
  await expect(result.stderr.replace(place, 'PLACE')).toMatchFileSnapshot('logs/finalize.log');
});
