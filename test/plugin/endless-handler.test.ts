import { expect, test } from 'vitest';
import { collect, publishText, startContainer } from '../sidecar/simulated-container.ts';
import { inWorld } from '../sidecar/simulated-world.ts';

const forEver = (): Promise<never> => new Promise(() => {});

test('a stop ends when its time is over although a handler of messages never ends, and its message is redelivered', () =>
  inWorld(async (world) => {
    const { plugin, address } = await startContainer(world, 'one');
    const stopped: string[] = [];
    plugin.onStop((reason) => void stopped.push(reason));
    const started = Promise.withResolvers<void>();
    await plugin.subscribe('demo.*', { name: 'all' }, () => {
      started.resolve();
      return forEver();
    });
    await publishText(plugin, '1');
    await started.promise;
    const beganMs = world.scheduler.nowMs();
    await plugin.stop('enough');
    expect(world.scheduler.nowMs() - beganMs).toBeGreaterThanOrEqual(6_000);
    expect(world.scheduler.nowMs() - beganMs).toBeLessThan(7_000);
    expect(stopped).toEqual(['enough']);
    const received = await collect(await world.connectPlugin(address));
    await world.until(() => received.length > 0);
    expect(received).toEqual(['1 again?']);
  }));

test('a stop ends when its time is over although a handler of requests never ends, and its caller is told', () =>
  inWorld(async (world) => {
    const { plugin } = await startContainer(world, 'one');
    const { plugin: caller } = await startContainer(world, 'two');
    const started = Promise.withResolvers<void>();
    await plugin.serve('demo.sum', () => {
      started.resolve();
      return forEver();
    });
    const answer = caller.request('demo.sum', new Uint8Array(), { timeoutMs: 30_000 });
    await started.promise;
    await plugin.stop('enough');
    expect(await answer).toMatchObject({ outcome: 'handler_error' });
  }));
