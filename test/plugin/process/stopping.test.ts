import { afterEach, describe, expect, test } from 'vitest';
import { endAll, startBus, startSidecar } from '../../sidecar/processes.ts';
import { spawnPlugin } from './plugin-process.ts';

afterEach(endAll);

/** Far more than the drain of 6 s, and far less than the 60 s for which a connection is otherwise waited for. */
const stopTimeoutMs = 30_000;

/** Prints `outcome: …` for a call that ends, and the same for one that throws. */
const told = (call: string): string => `${call}.then(
    (result) => console.log('outcome: ' + JSON.stringify(result)),
    (error) => console.log('outcome: ' + error.code + ' ' + error.message),
  )`;

async function runningPlugin(code: string) {
  const bus = await startBus();
  const sidecar = await startSidecar(bus.address);
  const plugin = spawnPlugin(sidecar.address, `${code}\nconsole.log('up'); await plugin.stopped;`);
  await plugin.seen(/up/);
  return { sidecar: sidecar.program, plugin };
}

const everyCall = `plugin.onStop(async () => {
  const calls = [
    () => ${told(`plugin.publish('platform.oms.last', Buffer.from('1'))`)},
    () => ${told(`plugin.request('platform.oms.sum', Buffer.from('1'))`)},
    () => ${told(`plugin.saveState(Buffer.from('1'))`)},
    () => ${told('plugin.loadState()')},
  ];
  await Promise.all(calls.map((call) => call()));
});`;

const outcomesIn = (output: string): string[] => output.split('\n').filter((line) => line.startsWith('outcome: '));

describe('a plugin that is stopped', () => {
  test('and whose sidecar is dead waits for no call in onStop longer than its drain', async () => {
    const { sidecar, plugin } = await runningPlugin(everyCall);
    sidecar.signal('SIGKILL');
    await plugin.seen(/the connection to the sidecar is lost/);
    const startedMs = performance.now();
    plugin.signal('SIGTERM');
    expect(await plugin.exited, plugin.output).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(stopTimeoutMs);
    expect(outcomesIn(plugin.stdout)).toEqual(
      Array(4).fill('outcome: UNAVAILABLE the plugin is stopping, and its drain of 6000 ms is over'),
    );
  });

  test('and whose sidecar is frozen waits for no call in onStop longer than its drain', async () => {
    const { sidecar, plugin } = await runningPlugin(everyCall);
    sidecar.signal('SIGSTOP');
    const startedMs = performance.now();
    plugin.signal('SIGTERM');
    expect(await plugin.exited, plugin.output).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(stopTimeoutMs);
    const outcomes = outcomesIn(plugin.stdout);
    expect(outcomes).toHaveLength(4);
    for (const outcome of outcomes) expect(outcome).toContain('its drain of 6000 ms is over');
    expect(outcomes.filter((outcome) => outcome.includes('"outcome":"unknown"'))).toHaveLength(1);
  });

  test('ends the calls that a handler has begun before, and its subscriptions, with its drain', async () => {
    const { sidecar, plugin } = await runningPlugin(`
      await plugin.subscribe('platform.oms.*', { name: 'orders' }, async () => {
        await new Promise((resolve) => {
          process.once('SIGUSR2', resolve);
          console.log('handling');
        });
        await ${told(`plugin.publish('platform.oms.last', Buffer.from('1'))`)}
      });
      await plugin.serve('platform.oms.sum', () => ({ payload: Buffer.from('1') }));
      await plugin.publish('platform.oms.first', Buffer.from('1'));
    `);
    await plugin.seen(/handling/);
    sidecar.signal('SIGSTOP');
    plugin.signal('SIGUSR2');
    const startedMs = performance.now();
    plugin.signal('SIGTERM');
    expect(await plugin.exited, plugin.output).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(stopTimeoutMs);
    expect(plugin.stdout).toMatch(/outcome: \{"outcome":"unknown","reason":"[^"]*its drain of 6000 ms is over"\}/);
  });

  test('takes nothing new, and may still publish', async () => {
    const { sidecar, plugin } = await runningPlugin(`
      plugin.onStop(async () => {
        await ${told(`plugin.subscribe('platform.oms.*', { name: 'late' }, () => {})`)};
        await ${told(`plugin.serve('platform.oms.late', () => ({ payload: new Uint8Array() }))`)};
        await ${told(`plugin.publish('platform.oms.last', Buffer.from('1')).then(({ outcome }) => outcome)`)}
      });
    `);
    plugin.signal('SIGTERM');
    expect(await plugin.exited, plugin.output).toBe(0);
    const refused = 'outcome: FAILED_PRECONDITION the plugin is stopping and accepts nothing new';
    expect(plugin.stdout.split('\n').filter((line) => line.startsWith('outcome'))).toEqual([
      refused,
      refused,
      'outcome: "accepted"',
    ]);
    sidecar.signal('SIGTERM');
    expect(await sidecar.exited).toBe(0);
  });

  test('has the time that its sidecar gives it', async () => {
    const bus = await startBus();
    const older = await startSidecar(bus.address);
    const plugin = spawnPlugin(
      older.address,
      `plugin.onStop(async () => {
        process.kill(${older.program.pid}, 'SIGSTOP');
        await ${told(`plugin.publish('platform.oms.last', Buffer.from('1'))`)}
      });
      console.log('up');
      await plugin.stopped;`,
    );
    await plugin.seen(/up/);
    // A newer sidecar takes over, and the bus gives the older one 8 s.
    await startSidecar(bus.address);
    expect(await plugin.exited, plugin.output).toBe(0);
    const [, givenMs] = await plugin.seen(/its drain of (\d+) ms is over/);
    expect(Number(givenMs)).toBeGreaterThan(6_000);
    expect(Number(givenMs)).toBeLessThanOrEqual(8_000);
  });
});
