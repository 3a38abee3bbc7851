import { expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log/log.ts';
import { labels } from '../../../src/compose/engine/container.ts';
import { createArguments } from '../../../src/compose/engine/container-spec.ts';
import { createContainer } from '../../../src/compose/engine/create-container.ts';
import { dockerThrough } from '../../../src/compose/engine/docker.ts';
import { VirtualScheduler } from '../../../src/simulation/virtual-scheduler.ts';
import { FakeEngine } from '../fake-engine.ts';

const spec = {
  name: 'shop-sidecar-1',
  labels: { [labels.role]: 'network-owner' },
  flags: ['--network', 'shop_default'],
  image: 'meridian-sidecar:1',
  command: [],
  furtherNetworks: [],
  hash: 'h',
};

function world(): { engine: FakeEngine; scheduler: VirtualScheduler; create: () => Promise<string> } {
  const engine = new FakeEngine();
  const scheduler = new VirtualScheduler(1);
  const docker = dockerThrough((args) => engine.call(args));
  return { engine, scheduler, create: () => createContainer({ docker, scheduler, log: silentLog }, spec) };
}

test('a container whose creation outlives its killed caller is waited for, and replaced', async () => {
  const { engine, scheduler, create } = world();
  engine.reserved.add(spec.name);
  const id = create();
  await scheduler.advance(5_000);
  engine.reserved.clear();
  await engine.call(createArguments(spec));
  const left = engine.named(spec.name)?.id;
  await scheduler.advance(1_000);
  expect(engine.containers.map((each) => each.id)).toEqual([await id]);
  expect(await id).not.toBe(left);
});

test('a name whose container never comes ends with compose/container/name-taken', async () => {
  const { engine, scheduler, create } = world();
  engine.reserved.add(spec.name);
  const outcome = create().catch((error: unknown) => error);
  await scheduler.advance(11_000);
  expect(await outcome).toMatchObject({ id: 'compose/container/name-taken' });
});

test("a stranger's container with the name is told at once, and left alone", async () => {
  const { engine, create } = world();
  const stranger = engine.addPlugin(spec.name, 'bridge', 'other');
  await expect(create()).rejects.toMatchObject({ id: 'compose/container/name-taken' });
  expect(engine.containers).toEqual([stranger]);
});
