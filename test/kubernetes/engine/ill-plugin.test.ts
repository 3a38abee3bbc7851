import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cluster } from './cluster.ts';
import { applyManifests, order } from './quotes-cluster.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await applyManifests('ill-plugin');
});
afterAll(() => cluster?.end());

test('a plugin that fails its health checks starts again, and its sidecar does not', async () => {
  const { journal } = cluster;
  const from = journal.entries.length;
  await order(cluster, 'fall ill');
  for (const pod of ['quotes-0', 'quotes-1']) {
    const failed = await journal.seen(`${pod}/plugin fails its liveness probe`, from);
    const started = await journal.seen(`${pod}/plugin started`, failed);
    await journal.seen(`${pod} is ready`, started);
    expect(cluster.pod(pod).container('plugin').restarts).toBe(1);
    expect(cluster.pod(pod).container('sidecar').restarts).toBe(0);
  }
});
