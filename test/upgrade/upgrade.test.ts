import { afterEach, expect, test } from 'vitest';
import { endAll, runCli } from '../sidecar/processes.ts';
import { expectToGoOn, storeOf } from './store-story.ts';

afterEach(endAll);

test.each(['0.1.0'])('a store of %s is opened with all that it had, and goes on', async (release) => {
  const file = storeOf(release);
  await expectToGoOn(file);
  const check = runCli('bus', 'check', file);
  expect([await check.exited, check.stderr]).toEqual([0, '']);
});
