import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cluster } from './cluster.ts';
import { engine } from './engine.ts';
import { applyManifests, order } from './quotes-cluster.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await applyManifests('interruptions');
});
afterAll(() => cluster?.end());

const pluginOf = (pod: string): string => cluster.pod(pod).container('plugin').name;
const linesOf = async (...containers: string[]): Promise<string[]> =>
  (await Promise.all(containers.map((each) => engine('logs', each)))).flatMap((text) => text.split('\n'));
const restartsOf = (pod: string, container: string): number => cluster.pod(pod).container(container).restarts;

test('a sidecar that is killed alone starts again, and its plugin goes on with the new one', async () => {
  const { journal } = cluster;
  const from = journal.entries.length;
  const sidecar = cluster.pod('quotes-0').container('sidecar').name;
  process.kill(Number(await engine('inspect', '--format', '{{.State.Pid}}', sidecar)), 'SIGKILL');
  const ended = await journal.seen('quotes-0/sidecar ended with 137', from);
  await journal.seen('quotes-0 is not ready', from);
  await journal.seen('quotes-0/sidecar started', ended);
  await journal.seen('quotes-0 is ready', ended);
  await order(cluster, 'after the kill');
  await cluster.logged('quotes-0', 'plugin', /^quotes-0 did after the kill, accepted, attempt 1$/m);
  expect(restartsOf('quotes-0', 'sidecar')).toBe(1);
  expect(restartsOf('quotes-0', 'plugin')).toBe(0);
});

test('without the bus no pod is ready, and with it again all are; no container starts again for that', async () => {
  const { journal } = cluster;
  const before = restartsOf('quotes-0', 'sidecar');
  const from = journal.entries.length;
  await cluster.scale('meridian-bus', 0);
  const gone = Math.max(
    await journal.seen('quotes-0 is not ready', from),
    await journal.seen('quotes-1 is not ready', from),
  );
  await cluster.scale('meridian-bus', 1);
  await journal.seen('quotes-0 is ready', gone);
  await journal.seen('quotes-1 is ready', gone);
  await order(cluster, 'after the outage');
  for (const pod of ['quotes-0', 'quotes-1'])
    await cluster.logged(pod, 'plugin', new RegExp(`^${pod} did after the outage, accepted, attempt 1$`, 'm'));
  expect(restartsOf('quotes-0', 'sidecar')).toBe(before);
  expect(restartsOf('quotes-1', 'sidecar') + restartsOf('quotes-0', 'plugin') + restartsOf('quotes-1', 'plugin')).toBe(
    0,
  );
});

test('a pod that is deleted finishes what it began, and its successor does the rest: nothing is lost or repeated', async () => {
  const orders = ['one', 'two', 'three'];
  await order(cluster, ...orders);
  const old = pluginOf('quotes-0');
  await cluster.logged('quotes-0', 'plugin', /^quotes-0 begins one$/m);
  await cluster.replace('quotes-0');
  await cluster.logged('quotes-0', 'plugin', /^quotes-0 did three, accepted, attempt 1$/m);
  // What it published while it drained reached the bus through its sidecar, and from there everybody.
  await cluster.logged('quotes-1', 'plugin', /^heard: quotes-0 did three$/m);
  const lines = await linesOf(old, pluginOf('quotes-0'));
  const ofOrders = (line: string): boolean => orders.some((each) => new RegExp(`(?:begins|did) ${each}\\b`).test(line));
  expect(lines.filter(ofOrders).filter((line) => !line.startsWith('heard'))).toEqual(
    orders.flatMap((each) => [`quotes-0 begins ${each}`, `quotes-0 did ${each}, accepted, attempt 1`]),
  );
  const heard = (await linesOf(pluginOf('quotes-1'))).filter((line) => line.startsWith('heard: quotes-0'));
  expect(heard.filter(ofOrders)).toEqual(orders.map((each) => `heard: quotes-0 did ${each}`));
  const ends = cluster.journal.entries.filter((entry) =>
    /^quotes-0\/\w+ (?:gets SIGTERM|ended with (?!137))/.test(entry),
  );
  expect(ends).toEqual([
    'quotes-0/plugin gets SIGTERM',
    'quotes-0/plugin ended with 0',
    'quotes-0/sidecar gets SIGTERM',
    'quotes-0/sidecar ended with 0',
  ]);
});
