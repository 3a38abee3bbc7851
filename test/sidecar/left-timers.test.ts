import { expect, test } from 'vitest';
import { SimulatedWorld } from './simulated-world.ts';

test('bus, sidecar and plugin that have stopped leave nothing scheduled, which would keep a program running', async () => {
  const world = new SimulatedWorld(1);
  const story = async (): Promise<void> => {
    const bus = await world.startBus();
    const { sidecar, address } = world.createSidecar({ INSTANCE_ID: 'one' });
    await sidecar.start();
    const plugin = await world.connectPlugin(address);
    await plugin.subscribe('demo.*', { name: 'all' }, () => {});
    await plugin.serve('demo.ask', () => ({ payload: Buffer.from('!') }));
    await plugin.publish('demo.ticks', Buffer.from('1'));
    await plugin.request('demo.ask', Buffer.from('?'));
    await plugin.saveState(Buffer.from('1'));
    await plugin.stop('done');
    await sidecar.stop('test');
    bus.close();
  };
  await world.run(story());
  const stoppedMs = world.scheduler.nowMs();
  await expect(world.run(new Promise(() => {}))).rejects.toThrow('nothing is scheduled');
  // The last frames arrive, and no timer is left.
  expect(world.scheduler.nowMs() - stoppedMs).toBeLessThan(100);
});
