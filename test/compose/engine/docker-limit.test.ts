import { expect, test } from 'vitest';
import type { CallDocker } from '../../../src/compose/engine/docker.ts';
import { withinLimit } from '../../../src/compose/engine/docker-limit.ts';
import { VirtualScheduler } from '../../../src/simulation/virtual-scheduler.ts';

const silentEngine: CallDocker = (_args, options) =>
  new Promise((resolve) => {
    options?.signal?.addEventListener('abort', () => resolve({ exitCode: 143, stdout: '', stderr: '' }));
  });

test('an engine that does not answer becomes an error', async () => {
  const scheduler = new VirtualScheduler(1);
  const outcome = withinLimit(silentEngine, scheduler)(['ps']).catch((error: unknown) => error);
  await scheduler.advance(120_000);
  expect(await outcome).toMatchObject({ id: 'compose/engine/silent' });
});

test('a call that its caller ends has no limit', async () => {
  const scheduler = new VirtualScheduler(1);
  const stop = new AbortController();
  const outcome = withinLimit(silentEngine, scheduler)(['wait', 'id'], { signal: stop.signal });
  await scheduler.advance(1_000_000);
  stop.abort();
  expect(await outcome).toMatchObject({ exitCode: 143 });
});
