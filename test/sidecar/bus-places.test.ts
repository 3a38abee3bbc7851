import { afterEach, expect, test } from 'vitest';
import { connectPlugin } from './plugins.ts';
import { endAll, startBus, startSidecar } from './processes.ts';

afterEach(endAll);

async function busOf(healthUrl: string): Promise<string> {
  const status = (await (await fetch(`${healthUrl}/status`)).json()) as { bus: { address: string } };
  return status.bus.address;
}

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'a sidecar of two buses goes on at the other one when that of its session gets %s',
  async (signal) => {
    const buses = [await startBus(), await startBus()];
    const { program, address, healthUrl } = await startSidecar(buses.map((bus) => bus.address).join());
    const plugin = await connectPlugin(address);
    expect((await plugin.publish('platform.oms.a', Buffer.from('1'))).outcome).toBe('accepted');
    const first = buses.find(
      (bus) => bus.program.stderr.includes('activated') || bus.program.stdout.includes('activated'),
    );
    const other = buses.find((bus) => bus !== first);
    expect(await busOf(healthUrl)).toBe(first?.address);
    first?.program.signal(signal);
    expect(await first?.program.exited).toBe(signal === 'SIGTERM' ? 0 : 'SIGKILL');
    await other?.program.seen(/activated/);
    expect((await plugin.publish('platform.oms.a', Buffer.from('2'))).outcome).toBe('accepted');
    expect(await busOf(healthUrl)).toBe(other?.address);
    expect(program.output).toContain(signal === 'SIGTERM' ? 'this process of the bus is stopping' : 'was lost');
    await plugin.stop('done');
  },
);

test('a list of addresses that cannot be used is refused with what it may be', async () => {
  const { program } = await startSidecar('bus-a:8443,https://bus-b:8443').catch((error: unknown) => ({
    program: { output: String(error) },
  }));
  expect(program.output).toMatch(/config\/bus-api-url\/malformed/);
  expect(program.output).toMatch(/up to 16 of them, joined by commas, with one scheme for all/);
});
