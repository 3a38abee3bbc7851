import { afterEach, expect, test } from 'vitest';
import { endAll, startBus, startSidecar } from '../../sidecar/processes.ts';
import { spawnPlugin } from './plugin-process.ts';

afterEach(endAll);

test('a hook that throws is logged, and the plugin still hears of its stop', async () => {
  const bus = await startBus();
  const sidecar = await startSidecar(bus.address);
  const plugin = spawnPlugin(
    sidecar.address,
    `plugin.onDegrade(() => { throw new Error('cannot degrade'); });
    plugin.onStop((reason) => console.log('drained: ' + reason));
    console.log('up');
    await plugin.stopped;`,
  );
  await plugin.seen(/up/);
  bus.program.signal('SIGKILL');
  await plugin.seen(/onDegrade failed: cannot degrade/);
  sidecar.program.signal('SIGTERM');
  await plugin.seen(/drained: the sidecar is stopping/);
  expect(await plugin.exited).toBe(0);
});
