import { afterEach, describe, expect, test } from 'vitest';
import { block, freeAll } from '../blocked-ports.ts';
import { connectPlugin } from '../plugins.ts';
import { endAll, type Program, spawnSidecar, startBus } from '../processes.ts';
import { BusProxy } from './bus-proxy.ts';

const proxies: BusProxy[] = [];

afterEach(async () => {
  for (const proxy of proxies.splice(0)) proxy.close();
  freeAll();
  await endAll();
});

async function proxiedBus() {
  const { address } = await startBus();
  const proxy = await BusProxy.to(address);
  proxies.push(proxy);
  return proxy;
}

async function addressesOf(sidecar: Program) {
  const [, port = ''] = await sidecar.seen(/health server listens port=(\d+)/);
  const [, address = ''] = await sidecar.seen(/plugin port listens address=(\S+)/);
  return { address, readyz: `http://127.0.0.1:${port}/readyz` };
}

const tick = Buffer.from('1');

async function expectDegraded(readyz: string): Promise<void> {
  const reply = await fetch(readyz);
  expect(await reply.text()).toBe('DEGRADED\n');
  expect(reply.status).toBe(503);
}

async function expectRunning(sidecar: Program, readyz: string): Promise<void> {
  await sidecar.seen(/to=RUNNING/);
  expect((await fetch(readyz)).status).toBe(200);
}

describe('activation', () => {
  test('is repeated until a bus answers that was stopped after step 4, and the sidecar is degraded until then', async () => {
    const bus = await startBus();
    // Step 7 waits for the plugin port, so the bus is stopped for certain when step 8 comes.
    const { server, address } = await block();
    const sidecar = spawnSidecar(bus.address, { SIDECAR_ADDR: address });
    await sidecar.seen(/startup 6\/8: .* failed, and the sidecar goes on without it/);
    expect(sidecar.stdout).toMatch(/startup 4\/8/);
    bus.program.signal('SIGSTOP');
    server.close();

    await sidecar.seen(/startup 8\/8: route messages failed, and the sidecar goes on without it/);
    const { readyz } = await addressesOf(sidecar);
    await expectDegraded(readyz);
    const plugin = await connectPlugin(address);
    const published = plugin.publish('platform.oms.ticks', tick);
    await expectDegraded(readyz);
    expect(sidecar.stdout).not.toMatch(/to=(READY|RUNNING)/);

    bus.program.signal('SIGCONT');
    expect(await published).toMatchObject({ outcome: 'accepted' });
    await expectRunning(sidecar, readyz);
    await plugin.stop('done');
  });

  test.each([1, 4])('is repeated in the same session after %i INTERNAL answers', async (times) => {
    const proxy = await proxiedBus();
    proxy.fail('activate', times);
    const sidecar = spawnSidecar(proxy.address);
    await sidecar.seen(
      /startup 8\/8: route messages failed, and the sidecar goes on without it: .*the proxy fails activate/,
    );
    const { address, readyz } = await addressesOf(sidecar);
    const plugin = await connectPlugin(address);
    expect(await plugin.publish('platform.oms.ticks', tick)).toMatchObject({ outcome: 'accepted' });
    await expectRunning(sidecar, readyz);
    expect(sidecar.stdout).toMatch(/to=DEGRADED[\s\S]*to=(READY|RUNNING)/);
    expect(sidecar.stdout).not.toContain('connecting to the bus again');
    await plugin.stop('done');
  });

  test('that the bus refuses for good leaves the sidecar degraded, live, and able to stop', async () => {
    const proxy = await proxiedBus();
    proxy.fail('activate', Number.POSITIVE_INFINITY);
    const sidecar = spawnSidecar(proxy.address);
    await sidecar.seen(/startup 8\/8: route messages failed, and the sidecar goes on without it/);
    const { readyz, address } = await addressesOf(sidecar);
    await sidecar.seen(/to=DEGRADED/);
    await expectDegraded(readyz);
    const plugin = await connectPlugin(address);
    await new Promise<string>((resolve) => plugin.onDegrade(resolve));
    await plugin.stop('done');
    expect((await fetch(readyz.replace('/readyz', '/livez'))).status).toBe(200);
    sidecar.signal('SIGTERM');
    expect(await sidecar.exited).toBe(0);
  });

  test('is repeated after a lost session too, and the sidecar stays degraded until it succeeds', async () => {
    const proxy = await proxiedBus();
    const sidecar = spawnSidecar(proxy.address);
    const { address, readyz } = await addressesOf(sidecar);
    await sidecar.seen(/to=READY/);
    const plugin = await connectPlugin(address);
    await expectRunning(sidecar, readyz);

    proxy.fail('activate', 2);
    proxy.endSessions();
    await sidecar.seen(/to=DEGRADED/);
    await sidecar.seen(/the bus did not activate this instance/);
    expect(await plugin.publish('platform.oms.ticks', tick)).toMatchObject({ outcome: 'accepted' });
    await sidecar.seen(/from=DEGRADED to=RUNNING/);
    await plugin.stop('done');
  });
});

describe('registration', () => {
  test('that fails after a lost session is repeated, and the sidecar is degraded until it stands', async () => {
    const proxy = await proxiedBus();
    const sidecar = spawnSidecar(proxy.address);
    const { address, readyz } = await addressesOf(sidecar);
    await sidecar.seen(/to=READY/);
    const plugin = await connectPlugin(address);
    proxy.fail('register', 2);
    proxy.endSessions();
    await sidecar.seen(/connecting to the bus again .*the proxy fails register/);
    await expectDegraded(readyz);
    expect(await plugin.publish('platform.oms.ticks', tick)).toMatchObject({ outcome: 'accepted' });
    await sidecar.seen(/from=DEGRADED to=RUNNING/);
    await plugin.stop('done');
  });
});

describe('state recovery', () => {
  test('that fails once is asked for again by the plugin', async () => {
    const proxy = await proxiedBus();
    proxy.fail('loadState', 1);
    const sidecar = spawnSidecar(proxy.address);
    await sidecar.seen(
      /startup 4\/8: recover state failed, and the sidecar goes on without it: .*the next LoadState or SaveState asks/,
    );
    const { address } = await addressesOf(sidecar);
    const plugin = await connectPlugin(address);
    await plugin.saveState(Buffer.from('kept'));
    expect(Buffer.from((await plugin.loadState()) ?? []).toString()).toBe('kept');
    await plugin.stop('done');
  });
});

describe('the health server', () => {
  test('is opened once its port is free, and tells the state of that moment', async () => {
    const { server, address: health } = await block();
    const bus = await startBus();
    const sidecar = spawnSidecar(bus.address, { SIDECAR_HEALTH_ADDR: health });
    await sidecar.seen(
      /startup 5\/8: .* failed, and the sidecar goes on without it: .*; it is tried again until the address is free/,
    );
    const [, address = ''] = await sidecar.seen(/plugin port listens address=(\S+)/);
    const plugin = await connectPlugin(address);
    await sidecar.seen(/to=RUNNING/);
    server.close();
    await sidecar.seen(/health server listens/);
    expect(await (await fetch(`http://${health}/readyz`)).text()).toBe('RUNNING\n');
    await plugin.stop('done');
  });
});
