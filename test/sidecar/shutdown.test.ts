import { once } from 'node:events';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { block, freeAll } from './blocked-ports.ts';
import { connectPlugin } from './plugins.ts';
import { endAll, Program, spawnSidecar, startBus, startSidecar, writeTemporary } from './processes.ts';
import { V1Client } from './v1-client.ts';

afterEach(async () => {
  freeAll();
  await endAll();
});

const text = (payload: Uint8Array): string => Buffer.from(payload).toString();

/** Resolves in the plugin's `onStop`, which then waits until `release` is called. */
function heldStop(plugin: Awaited<ReturnType<typeof connectPlugin>>) {
  const stopping = Promise.withResolvers<string>();
  const released = Promise.withResolvers<void>();
  plugin.onStop((reason) => {
    stopping.resolve(reason);
    return released.promise;
  });
  return { stopping: stopping.promise, release: released.resolve };
}

describe('SIGTERM', () => {
  test('reaches the plugin, whose last publishes and state go out, and then gives the instance id back', async () => {
    const bus = await startBus();
    const { program, address } = await startSidecar(bus.address);
    const plugin = await connectPlugin(address);
    const last: unknown[] = [];
    plugin.onStop(async (reason) => {
      last.push(reason);
      last.push(await plugin.publish('platform.oms.fills', Buffer.from('last')));
      await plugin.saveState(Buffer.from('drained'));
    });
    program.signal('SIGTERM');
    expect(await program.exited).toBe(0);
    await plugin.stopped;
    expect(last).toEqual(['the sidecar is stopping', expect.objectContaining({ outcome: 'accepted' })]);
    expect(program.stdout).toMatch(/stopped publishesUnresolved=0 pluginDrained=true exitCode=0\n$/);
    await bus.program.seen(/deregistered instance=oms-1 epoch=\d+ reason=stopping/);

    const next = await startSidecar(bus.address);
    const nextPlugin = await connectPlugin(next.address);
    expect(text((await nextPlugin.loadState()) ?? Buffer.of())).toBe('drained');
    await nextPlugin.stop('done');
  });

  test('stops the intake: what comes meanwhile waits for the next run', async () => {
    const bus = await startBus();
    const dgm = await startSidecar(bus.address, { INSTANCE_ID: 'dgm-1', POOL_TYPE: 'DGMPool' });
    const publisher = await connectPlugin(dgm.address);
    const first = await startSidecar(bus.address);
    const plugin = await connectPlugin(first.address);
    const taken: string[] = [];
    await plugin.subscribe('platform.data.*', { name: 'data' }, ({ payload }) => void taken.push(text(payload)));
    const { stopping, release } = heldStop(plugin);
    first.program.signal('SIGTERM');
    expect(await stopping).toBe('the sidecar is stopping');
    expect(await publisher.publish('platform.data.quotes', Buffer.from('late'))).toMatchObject({ outcome: 'accepted' });
    release();
    expect(await first.program.exited).toBe(0);
    expect(taken).toEqual([]);

    const second = await startSidecar(bus.address);
    const successor = await connectPlugin(second.address);
    const arrived = new Promise<string>((resolve) => {
      void successor.subscribe('platform.data.*', { name: 'data' }, ({ payload }) => resolve(text(payload)));
    });
    expect(await arrived).toBe('late');
    await Promise.all([successor.stop('done'), publisher.stop('done')]);
  });

  test('lets a request that is being handled be answered', async () => {
    const bus = await startBus();
    const oms = await startSidecar(bus.address);
    const caller = await connectPlugin(oms.address);
    const dgm = await startSidecar(bus.address, { INSTANCE_ID: 'dgm-1', POOL_TYPE: 'DGMPool' });
    const responder = await connectPlugin(dgm.address);
    const asked = Promise.withResolvers<void>();
    const found = Promise.withResolvers<{ payload: Uint8Array }>();
    await responder.serve('platform.ask.*', () => {
      asked.resolve();
      return found.promise;
    });
    const outcome = caller.request('platform.ask.quote', Buffer.from('ACME'));
    await asked.promise;
    dgm.program.signal('SIGTERM');
    await dgm.program.seen(/to=SHUTTING_DOWN/);
    found.resolve({ payload: Buffer.from('17') });
    expect(await outcome).toMatchObject({ outcome: 'answered' });
    expect(await dgm.program.exited).toBe(0);
    await caller.stop('done');
  });

  test('without a plugin ends with 0', async () => {
    const bus = await startBus();
    const { program } = await startSidecar(bus.address);
    program.signal('SIGTERM');
    expect(await program.exited).toBe(0);
    await bus.program.seen(/deregistered instance=oms-1/);
  });

  test('a second time does not cut the drain short', async () => {
    const bus = await startBus();
    const { program, address } = await startSidecar(bus.address);
    const plugin = await connectPlugin(address);
    const { stopping, release } = heldStop(plugin);
    program.signal('SIGTERM');
    await stopping;
    program.signal('SIGTERM');
    expect(await plugin.publish('platform.oms.fills', Buffer.from('still'))).toMatchObject({ outcome: 'accepted' });
    release();
    expect(await program.exited).toBe(0);
  });
});

describe('the processes of a plugin and its sidecar', () => {
  const client = path.resolve(import.meta.dirname, '../../dist/meridian-plugin/meridian-plugin.mjs');
  const code = `
    const { connect } = await import(process.env.CLIENT);
    const plugin = await connect();
    plugin.onStop((reason) => console.log('drained: ' + reason));
    console.log('up as ' + plugin.identity.instanceId);
    await plugin.stopped;
  `;

  test.each([
    ['the sidecar alone', ['sidecar'], 'the sidecar is stopping'],
    ['the plugin, then the sidecar', ['plugin', 'sidecar'], 'SIGTERM'],
    ['both at once', ['both'], '(SIGTERM|the sidecar is stopping)'],
  ])('both exit 0 when SIGTERM goes to %s', async (_, order, reason) => {
    const bus = await startBus();
    const sidecar = await startSidecar(bus.address);
    const environment = { CLIENT: client, SIDECAR_ADDR: sidecar.address };
    const plugin = new Program(['--input-type=module', '--eval', code], environment);
    await plugin.seen(/up as oms-1/);
    for (const whom of order) {
      if (whom !== 'sidecar') plugin.signal('SIGTERM');
      if (whom === 'plugin') await plugin.exited;
      if (whom !== 'plugin') sidecar.program.signal('SIGTERM');
    }
    expect(await Promise.all([plugin.exited, sidecar.program.exited])).toEqual([0, 0]);
    expect(plugin.stdout).toMatch(new RegExp(`drained: ${reason}\\n$`));
  });
});

describe('a plugin of contract v1', () => {
  test('is waited for until it leaves, and may publish until then', async () => {
    const bus = await startBus();
    const { program, address } = await startSidecar(bus.address);
    const client = new V1Client(address);
    await client.register();
    program.signal('SIGTERM');
    await program.seen(/to=SHUTTING_DOWN/);
    expect(await client.publish('platform.oms.fills', 'last')).toMatchObject({ accepted: true });
    expect(await client.register()).toMatchObject({ admitted: false, refusal_reason: 'the sidecar is stopping' });
    await client.leave();
    expect(await program.exited).toBe(0);
    client.close();
  });
});

describe('a stop that leaves something open', () => {
  const shortBudget = (): Record<string, string> => ({
    SIDECAR_CONFIG: writeTemporary('sidecar.yml', 'shutdown: { drain: 400ms, flush: 200ms }\n'),
  });
  /** Longer than a test may take. */
  const longBudget = (): Record<string, string> => ({
    SIDECAR_CONFIG: writeTemporary('sidecar.yml', 'shutdown: { total: 2h, drain: 1h }\n'),
  });

  test('ends with 74 when the plugin does not drain, and says so', async () => {
    const bus = await startBus();
    const { program, address } = await startSidecar(bus.address, shortBudget());
    const plugin = await connectPlugin(address);
    const { release } = heldStop(plugin);
    program.signal('SIGTERM');
    expect(await program.exited).toBe(74);
    expect(program.stdout).toMatch(/stopped publishesUnresolved=0 pluginDrained=false exitCode=74\n$/);
    await bus.program.seen(/deregistered instance=oms-1/);
    release();
  });

  test('ends with 74 when the bus is away and publishes have no answer, and counts them', async () => {
    const bus = await startBus();
    const { program, address } = await startSidecar(bus.address, shortBudget());
    const client = new V1Client(address);
    await client.register();
    bus.program.signal('SIGKILL');
    await program.seen(/to=DEGRADED/);
    const outcomes = ['one', 'two'].map((payload) => client.publish('platform.oms.fills', payload).catch(String));
    await client.heartbeat();
    program.signal('SIGTERM');
    expect(await program.exited).toBe(74);
    expect(program.stdout).toMatch(/stopped publishesUnresolved=2 pluginDrained=true exitCode=74\n$/);
    // Whoever published learns that nobody knows: the connection ends without an answer.
    expect(await Promise.all(outcomes)).toEqual([
      expect.stringMatching(/UNAVAILABLE|CANCELLED/),
      expect.stringMatching(/UNAVAILABLE|CANCELLED/),
    ]);
    client.close();
  });

  test('ends with 0 when the bus is away and nothing is open', async () => {
    const bus = await startBus();
    const { program } = await startSidecar(bus.address);
    bus.program.signal('SIGKILL');
    await program.seen(/to=DEGRADED/);
    program.signal('SIGTERM');
    expect(await program.exited).toBe(0);
  });

  test('is hurried by SIGINT after SIGTERM', async () => {
    const bus = await startBus();
    const { program, address } = await startSidecar(bus.address, longBudget());
    const plugin = await connectPlugin(address);
    const { stopping, release } = heldStop(plugin);
    program.signal('SIGTERM');
    await stopping;
    program.signal('SIGINT');
    expect(await program.exited).toBe(74);
    await bus.program.seen(/deregistered instance=oms-1/);
    release();
  });
});

describe('SIGTERM during startup', () => {
  test('ends the wait for the bus at once, with 0', async () => {
    const sidecar = spawnSidecar('127.0.0.1:1', {
      SIDECAR_CONFIG: writeTemporary('sidecar.yml', 'timeouts: { connect: 2h }\nreconnect: { first: 1h, max: 1h }\n'),
    });
    await sidecar.seen(/the bus does not answer yet/);
    sidecar.signal('SIGTERM');
    expect(await sidecar.exited).toBe(0);
    expect(sidecar.stderr).toBe('');
  });

  test('ends an attempt that nobody answers, with 0', async () => {
    const { server, address } = await block();
    const attempted = once(server, 'connection');
    const sidecar = spawnSidecar(address);
    await attempted;
    sidecar.signal('SIGTERM');
    expect(await sidecar.exited).toBe(0);
  });

  test('ends the wait for the plugin port, and gives the instance id back', async () => {
    const { address } = await block();
    const bus = await startBus();
    const sidecar = spawnSidecar(bus.address, { SIDECAR_ADDR: address });
    await sidecar.seen(/startup 6\/8/);
    sidecar.signal('SIGTERM');
    expect(await sidecar.exited).toBe(0);
    await bus.program.seen(/deregistered instance=oms-1/);
  });
});
