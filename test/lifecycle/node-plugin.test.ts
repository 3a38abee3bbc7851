import { describe, expect, test } from 'vitest';
import { openNetwork, startBus, startInstance, startOf } from './platform.ts';

describe('node-plugin in a container', () => {
  test('publishes, receives, asks and answers through its sidecar, and both stop on SIGTERM', async () => {
    const network = await openNetwork();
    await startBus(network);
    const instance = await startInstance({ ...(await startOf('node-plugin')), network });
    await instance.line(/^web: running$/);
    const { lines } = instance.container;
    expect(lines.find((line) => line.startsWith('web: received demo.ticks'))).toContain('"tick 1"');
    expect(lines.find((line) => line.startsWith('web: request demo.sum'))).toContain('answered 42');
    expect(lines.find((line) => line.startsWith('web: published orders.new'))).toContain('refused');
    const endings = await instance.stop();
    expect(Object.fromEntries(endings), lines.join('\n')).toEqual({ web: 0, 'meridian-sidecar': 0 });
  });
});
