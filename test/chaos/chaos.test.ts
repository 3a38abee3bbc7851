import { test } from 'vitest';
import { runChaos } from './chaos-run.ts';

test('kill -9 of plugins, sidecars and bus under load loses nothing, repeats nothing unmarked and keeps order', async () => {
  await runChaos();
});
