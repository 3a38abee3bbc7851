import { afterEach, describe, expect, test } from 'vitest';
import { ownFreeAddress } from '../sidecar/own-loopback.ts';
import { endAll, writeTemporary } from '../sidecar/processes.ts';
import { startDemoBus, startDemoSidecar, startPlugin } from './containers.ts';

afterEach(endAll);

const v1Only = { PLUGIN_V1_ONLY: 'true' };
/** Longer than any test: the message stays unacknowledged. */
const neverDone = { PLUGIN_WORK_SECONDS: '600' };
/** Longer than any test, however long Python takes to start. */
const longDrain = 'shutdown: {total: 10m, drain: 9m}\n';

async function startContainer() {
  const bus = await startDemoBus();
  return { bus, sidecar: await startDemoSidecar(bus.address) };
}

describe('plugin.py', () => {
  test('shows each thing that the sidecar does for it', async () => {
    const { sidecar } = await startContainer();
    const plugin = startPlugin(sidecar.address);
    await plugin.seen(/^running$/m);
    const [, messageId = ''] = await plugin.seen(/^published demo\.ticks: accepted as (py-1-\S+)$/m);
    // A message may come back before the answer to its publishing.
    expect(plugin.stdout.trimEnd().split('\n').sort()).toEqual(
      [
        `waiting for the sidecar at ${sidecar.address}`,
        'connected as py-1 (SignalPool)',
        'no state saved yet',
        `published demo.ticks: accepted as ${messageId}`,
        'received demo.ticks from py-1: "tick 1"',
        'request demo.sum [1, 2, 39]: answered 42',
        'published orders.new: refused, no publish grant for orders.new; the nearest is demo.*',
        'state saved: {"starts":1}',
        'running',
      ].sort(),
    );
    expect(plugin.stderr).toBe('');
  });

  test('stops on SIGTERM with exit code 0, and its next start finds the state', async () => {
    const { sidecar } = await startContainer();
    const first = startPlugin(sidecar.address);
    await first.seen(/^running$/m);
    first.signal('SIGTERM');
    expect(await first.exited).toBe(0);
    expect(first.stdout).toMatch(/^stopping: SIGTERM; nothing is in flight\nleft\n$/m);
    await sidecar.program.seen(/plugin left reason=SIGTERM/);

    const second = startPlugin(sidecar.address);
    await second.seen(/^state saved: \{"starts":2\}$/m);
    expect(second.stdout).toMatch(/^state loaded: \{"starts":1\}$/m);
    expect(second.stdout).toMatch(/^received demo\.ticks from py-1: "tick 2"$/m);
  });

  test('is told of the stop of its sidecar, and both exit with code 0', async () => {
    const { sidecar } = await startContainer();
    const plugin = startPlugin(sidecar.address);
    await plugin.seen(/^running$/m);
    sidecar.program.signal('SIGTERM');
    expect(await plugin.exited).toBe(0);
    expect(plugin.stdout).toContain('stopping: the sidecar is stopping; nothing is in flight\nleft\n');
    expect(await sidecar.program.exited).toBe(0);
    expect(sidecar.program.output).toContain('pluginDrained=true');
  });

  test('and its sidecar, signalled at once, both exit with code 0', async () => {
    const { sidecar } = await startContainer();
    const plugin = startPlugin(sidecar.address);
    await plugin.seen(/^running$/m);
    for (const program of [plugin, sidecar.program]) program.signal('SIGTERM');
    expect([await plugin.exited, await sidecar.program.exited]).toEqual([0, 0]);
    expect(sidecar.program.output).toContain('pluginDrained=true');
  });

  test('finishes and acknowledges the message in hand before it leaves', async () => {
    const { sidecar } = await startContainer();
    const first = startPlugin(sidecar.address, { PLUGIN_WORK_SECONDS: '0.5' });
    await first.seen(/^received demo\.ticks .*"tick 1"$/m);
    first.signal('SIGTERM');
    expect(await first.exited).toBe(0);
    expect(first.stdout).toContain('stopping: SIGTERM; nothing is in flight\n');

    const second = startPlugin(sidecar.address);
    await second.seen(/^running$/m);
    // It has no state yet, so it publishes the same tick, which is not stored again.
    expect(second.stdout).not.toMatch(/^received /m);
  });

  test('leaves a message that takes longer than the drain to its next start', async () => {
    const { bus, sidecar } = await startContainer();
    const first = startPlugin(sidecar.address, neverDone);
    await first.seen(/^received demo\.ticks .*"tick 1"$/m);
    sidecar.program.signal('SIGTERM');
    expect([await first.exited, await sidecar.program.exited]).toEqual([0, 0]);
    expect(first.stdout).toContain('stopping: the sidecar is stopping; one message comes again\n');
    const next = await startDemoSidecar(bus.address);
    await startPlugin(next.address).seen(/^received demo\.ticks from py-1: "tick 1" \(maybe redelivered\)$/m);
  });

  test('killed, gets what it had not acknowledged again, first and marked', async () => {
    const { sidecar } = await startContainer();
    const first = startPlugin(sidecar.address, neverDone);
    await first.seen(/^received demo\.ticks from py-1: "tick 1"$/m);
    first.signal('SIGKILL');
    expect(await first.exited).toBe('SIGKILL');

    const second = startPlugin(sidecar.address);
    await second.seen(/^running$/m);
    await second.seen(/^received /m);
    expect(second.stdout.match(/^received .*$/gm)).toEqual([
      'received demo.ticks from py-1: "tick 1" (maybe redelivered)',
    ]);
  });

  test('waits for a sidecar that starts after it', async () => {
    const bus = await startDemoBus();
    const address = await ownFreeAddress();
    const plugin = startPlugin(address);
    await plugin.seen(/^waiting for the sidecar/m);
    await startDemoSidecar(bus.address, { SIDECAR_ADDR: address });
    await plugin.seen(/^running$/m);
  });

  test('stops on SIGTERM while it waits for a sidecar', async () => {
    const plugin = startPlugin('127.0.0.1:1');
    await plugin.seen(/^waiting for the sidecar/m);
    plugin.signal('SIGTERM');
    expect(await plugin.exited).toBe(0);
    expect(plugin.stderr).toBe('');
  });

  test('goes by MERIDIAN_SIDECAR_ADDRESS before SIDECAR_ADDR', async () => {
    const { sidecar } = await startContainer();
    const plugin = startPlugin('127.0.0.1:1', { MERIDIAN_SIDECAR_ADDRESS: sidecar.address });
    await plugin.seen(/^running$/m);
  });

  test('hears that the bus is away and that it is back', async () => {
    const bus = await startDemoBus();
    const sidecar = await startDemoSidecar(bus.address);
    const plugin = startPlugin(sidecar.address);
    await plugin.seen(/^running$/m);
    bus.program.signal('SIGKILL');
    await bus.program.exited;
    await plugin.seen(/^degraded: /m);
    await startDemoBus(bus.address);
    await plugin.seen(/^resumed$/m);
  });

  test.each([
    ['with its callbacks', {}],
    ['with contract v1 alone', v1Only],
  ])('%s, says so and ends when its sidecar is killed', async (_, mode) => {
    const { sidecar } = await startContainer();
    const plugin = startPlugin(sidecar.address, mode);
    await plugin.seen(/^running$/m);
    sidecar.program.signal('SIGKILL');
    expect(await plugin.exited).toBe(1);
    for (const line of plugin.stderr.trimEnd().split('\n')) {
      expect(line).toMatch(/^the sidecar ended a call: UNAVAILABLE, /);
    }
  });

  test.each([
    ['with its callbacks', {}],
    ['with contract v1 alone', v1Only],
  ])('%s, says why it is not admitted', async (_, mode) => {
    const bus = await startDemoBus();
    const config = { SIDECAR_CONFIG: writeTemporary('sidecar.yml', longDrain) };
    const sidecar = await startDemoSidecar(bus.address, config);
    // Nobody is admitted any more once the sidecar stops, and a plugin that hangs keeps it in its drain.
    const hanging = startPlugin(sidecar.address);
    await hanging.seen(/^running$/m);
    hanging.signal('SIGSTOP');
    sidecar.program.signal('SIGTERM');
    await sidecar.program.seen(/stopping reason=SIGTERM/);
    const plugin = startPlugin(sidecar.address, mode);
    expect(await plugin.exited).toBe(1);
    expect(plugin.stderr).toBe('the sidecar does not admit this plugin: the sidecar is stopping\n');
  });
});

describe('plugin.py with contract v1 alone', () => {
  test('publishes, receives, asks another plugin and is refused', async () => {
    const { bus, sidecar } = await startContainer();
    const other = await startDemoSidecar(bus.address, { INSTANCE_ID: 'py-2' });
    const answering = startPlugin(other.address);
    await answering.seen(/^running$/m);
    const plugin = startPlugin(sidecar.address, v1Only);
    await plugin.seen(/^running$/m);
    expect(plugin.stdout).toMatch(/^connected as py-1 \(SignalPool\)$/m);
    expect(plugin.stdout).toMatch(/^published demo\.ticks: accepted as py-1-\S+$/m);
    expect(plugin.stdout).toMatch(/^received demo\.ticks from py-1: "tick"$/m);
    expect(plugin.stdout).toMatch(/^request demo\.sum \[1, 2, 39\]: answered 42$/m);
    expect(plugin.stdout).toMatch(/^published orders\.new: refused, no publish grant for orders\.new/m);
    await answering.seen(/^received demo\.ticks from py-1: "tick"$/m);
  });

  test('leaves on SIGTERM, and exits with code 0 as its sidecar does', async () => {
    const { sidecar } = await startContainer();
    const plugin = startPlugin(sidecar.address, v1Only);
    await plugin.seen(/^running$/m);
    plugin.signal('SIGTERM');
    expect(await plugin.exited).toBe(0);
    expect(plugin.stdout).toContain('stopping: SIGTERM\nleft\n');
    await sidecar.program.seen(/plugin left reason=SIGTERM/);
    sidecar.program.signal('SIGTERM');
    expect(await sidecar.program.exited).toBe(0);
  });

  test('killed, starts again at once', async () => {
    const { sidecar } = await startContainer();
    const first = startPlugin(sidecar.address, v1Only);
    await first.seen(/^running$/m);
    first.signal('SIGKILL');
    await first.exited;
    await startPlugin(sidecar.address, v1Only).seen(/^running$/m);
  });
});

test('health checks and heartbeats are answered in time, and those of a plugin that hangs are missed', async () => {
  const bus = await startDemoBus();
  const start = async (instance: string, mode: Record<string, string>) => {
    const sidecar = await startDemoSidecar(bus.address, { INSTANCE_ID: instance });
    const plugin = startPlugin(sidecar.address, mode);
    await plugin.seen(/^running$/m);
    return { sidecar: sidecar.program, plugin };
  };
  const well = [await start('py-1', {}), await start('py-2', v1Only)];
  const hanging = await start('py-3', {});
  hanging.plugin.signal('SIGSTOP');
  // By its second miss, the others have been judged for longer than an answer or a heartbeat may take.
  await hanging.sidecar.seen(/health check missed misses=2/);
  for (const { sidecar } of well) expect(sidecar.output).not.toContain('health check missed');
});
