import { afterEach, describe, expect, test } from 'vitest';
import { NotAdmittedError, RpcError } from '../../src/plugin/index.ts';
import { type PlatformOptions, startPlatform, TestKitError, type TestPlatform } from '../../src/testing/index.ts';

let platform: TestPlatform;
afterEach(() => platform.stop());

const start = async (options?: PlatformOptions): Promise<TestPlatform> => {
  platform = await startPlatform(options);
  return platform;
};
const bytes = (value: string): Buffer => Buffer.from(value);
const textOf = (payload: Uint8Array | undefined): string | undefined => payload && Buffer.from(payload).toString();

describe.each(['virtual', 'real'] as const)('on %s time', (time) => {
  test('two plugins publish, subscribe, call and save beside their sidecars', async () => {
    await start({ time });
    const [one, two] = [await platform.connect({ instanceId: 'a-0', poolType: 'OMSPool' }), await platform.connect()];
    expect(one.identity).toMatchObject({ instanceId: 'a-0', role: 'OMSPool', deploymentId: 'test' });
    expect(two.identity).toMatchObject({ instanceId: 'test-0', role: 'SignalPool' });
    await one.subscribe('demo.in', { name: 'in' }, async ({ payload }) => {
      await one.saveState(payload);
      await one.publish('demo.out', payload);
    });
    await one.serve('demo.ask', ({ payload }) => ({ payload }));
    expect(await two.publish('demo.in', bytes('1'))).toMatchObject({ outcome: 'accepted' });
    expect(await platform.next('demo.out')).toMatchObject({ sourceId: 'a-0', topic: 'demo.out' });
    const answer = await two.request('demo.ask', bytes('2'));
    expect(answer.outcome === 'answered' && textOf(answer.payload)).toBe('2');
    expect(textOf(await one.loadState())).toBe('1');
  });

  test('the bus goes away and comes back, and what was published meanwhile arrives', async () => {
    await start({ time });
    const plugin = await platform.connect();
    const told: string[] = [];
    plugin.onDegrade(() => told.push('degraded'));
    plugin.onResume(() => told.push('resumed'));
    await platform.stopBus();
    const publishing = plugin.publish('demo.a', bytes('1'));
    await platform.startBus();
    expect(await publishing).toMatchObject({ outcome: 'accepted' });
    expect(await platform.next('demo.a')).toMatchObject({ topic: 'demo.a' });
    await expect.poll(() => told).toEqual(['degraded', 'resumed']);
  });

  test('a stop drains the plugin', async () => {
    await start({ time });
    const instance = await platform.addInstance();
    const plugin = await instance.connect();
    plugin.onStop(async () => {
      await plugin.publish('demo.last', bytes('last'));
    });
    const { exitCode, elapsedMs } = await instance.stop();
    expect(exitCode).toBe(0);
    expect(elapsedMs).toBeLessThan(time === 'virtual' ? 1 : 6_000);
    await plugin.stopped;
    expect(textOf((await platform.next('demo.last')).payload)).toBe('last');
  });

  test('after a kill the next instance of the id gets what was not acknowledged again, and the state', async () => {
    await start({ time });
    const feed = await platform.connect({ instanceId: 'feed-0' });
    const first = await platform.addInstance({ instanceId: 'a-0' });
    const plugin = await first.connect();
    const stops: string[] = [];
    plugin.onStop((reason) => void stops.push(reason));
    await plugin.saveState(bytes('state'));
    const taken = Promise.withResolvers<void>();
    await plugin.subscribe('demo.in', { name: 'in' }, () => {
      taken.resolve();
      return new Promise(() => {});
    });
    await feed.publish('demo.in', bytes('1'));
    await taken.promise;
    first.kill();
    const lost = plugin.publish('demo.x', bytes('x')).catch((error: unknown) => error);
    await platform.advance(time === 'virtual' ? 6_000 : 0);
    expect([RpcError, Object]).toContain((await lost)?.constructor);
    const second = await platform.addInstance({ instanceId: 'a-0' });
    const restarted = await second.connect();
    const again = Promise.withResolvers<object>();
    await restarted.subscribe('demo.in', { name: 'in' }, again.resolve);
    expect(await again.promise).toMatchObject({ maybeRedelivered: true, attempt: 2 });
    expect(textOf(await second.savedState())).toBe('state');
    expect(stops).toEqual([]);
  });

  test('an instance may do what its grants say, until they are replaced', async () => {
    await start({ time });
    const instance = await platform.addInstance({ grants: { publish: ['demo.a'], subscribe: [] } });
    const plugin = await instance.connect();
    expect(plugin.identity).toMatchObject({ publishGrants: ['demo.a'], subscribeGrants: [] });
    expect(await plugin.publish('demo.b', bytes('1'))).toMatchObject({ outcome: 'refused' });
    await expect(plugin.subscribe('demo.a', { name: 'a' }, () => {})).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
    });
    await instance.setGrants({ publish: ['demo.b'] });
    expect(await plugin.publish('demo.a', bytes('1'))).toMatchObject({ outcome: 'refused' });
    await expect.poll(() => plugin.publish('demo.b', bytes('1'))).toMatchObject({ outcome: 'accepted' });
  });

  test('an instance without any grant is not admitted', async () => {
    await start({ time });
    await expect(platform.connect({ grants: { publish: [], subscribe: [] } })).rejects.toThrow(NotAdmittedError);
  });

  test('a newer instance of the same id takes over, and the older plugin drains', async () => {
    await start({ time });
    const older = await platform.connect({ instanceId: 'a-0' });
    const newer = await platform.connect({ instanceId: 'a-0' });
    await older.stopped;
    expect(await newer.publish('demo.a', bytes('1'))).toMatchObject({ outcome: 'accepted' });
  });
});

describe('on virtual time', () => {
  test('a handler that fails gets the message again after its delay, and not before', async () => {
    await start();
    const plugin = await platform.connect();
    const attempts: number[] = [];
    await plugin.subscribe('demo.in', { name: 'in' }, ({ attempt }) => {
      attempts.push(attempt);
      if (attempt < 4) throw new Error('not yet');
    });
    await plugin.publish('demo.in', bytes('1'));
    await platform.advance(99);
    expect(attempts).toEqual([1]);
    await platform.advance(1);
    expect(attempts).toEqual([1, 2]);
    await platform.advance(600);
    expect(attempts).toEqual([1, 2, 3, 4]);
  });

  test('a message that no attempt can handle is on its dead-letter topic', async () => {
    await start();
    const plugin = await platform.connect();
    const deadLetters = { afterAttempts: 3, topic: 'demo.dead' };
    await plugin.subscribe('demo.in', { name: 'in', deadLetters }, () => {
      throw new Error('never');
    });
    await plugin.publish('demo.in', bytes('1'));
    await platform.advance(1_000);
    expect(textOf((await platform.next('demo.dead')).payload)).toBe('1');
  });

  test('instances of a pool share the messages of a group, and the lease of a killed one ends its part', async () => {
    await start();
    const handled: string[] = [];
    const join = async (instanceId: string) => {
      const instance = await platform.addInstance({ instanceId, poolType: 'OMSPool' });
      const plugin = await instance.connect();
      await plugin.subscribe('demo.in', { name: 'in', group: 'workers' }, ({ payload }) => {
        handled.push(`${instanceId} ${textOf(payload)}`);
        return instanceId === 'a-0' ? platform.sleep(3_600_000) : undefined;
      });
      return instance;
    };
    const first = await join('a-0');
    const feed = await platform.connect();
    await feed.publish('demo.in', bytes('1'), { partitionKey: 'account' });
    await join('a-1');
    expect(handled).toEqual(['a-0 1']);
    first.kill();
    await platform.advance(60_000);
    expect(handled).toEqual(['a-0 1', 'a-1 1']);
  });

  test('a plugin that does not drain ends a stop with 74 after its 6 s', async () => {
    await start();
    const instance = await platform.addInstance();
    const plugin = await instance.connect();
    plugin.onStop(() => platform.sleep(60_000));
    const stopping = instance.stop();
    await platform.advance(8_000);
    const { exitCode, elapsedMs } = await stopping;
    expect(exitCode).toBe(74);
    expect(elapsedMs).toBeGreaterThanOrEqual(6_000);
  });

  test('an hour passes in a moment, and the instances keep their leases', async () => {
    await start();
    const plugin = await platform.connect();
    let woken = false;
    void platform.sleep(3_600_000).then(() => {
      woken = true;
    });
    await platform.advance(3_599_999);
    expect(woken).toBe(false);
    await platform.advance(1);
    expect(woken).toBe(true);
    expect(await plugin.publish('demo.a', bytes('1'))).toMatchObject({ outcome: 'accepted' });
  });

  test('the same seed gives the same run, and another one another', async () => {
    const run = async (seed: number): Promise<string> => {
      const lines: string[] = [];
      const line = (message: string, fields: object = {}): void => {
        lines.push(`${message} ${Object.values(fields).join()}`);
      };
      await start({ seed, log: { debug: line, info: line, warn: line, error: line } });
      const plugin = await platform.connect();
      await platform.stopBus();
      const publishing = plugin.publish('demo.a', bytes('1'));
      await platform.advance(20_000);
      await platform.startBus();
      await publishing;
      const { tsInitNs } = await platform.next('demo.a');
      await platform.stop();
      return `${tsInitNs} ${lines.join('\n')}`;
    };
    const first = await run(7);
    expect(await run(7)).toBe(first);
    expect(await run(8)).not.toBe(first);
  });

  test('the end of a test waits for nothing that hangs', async () => {
    await start();
    const plugin = await platform.connect();
    await plugin.subscribe('demo.in', { name: 'in' }, () => new Promise(() => {}));
    await plugin.publish('demo.in', bytes('1'));
    await platform.stop();
    await expect(plugin.publish('demo.in', bytes('1'))).rejects.toThrow('stop');
  });
});

describe('next', () => {
  test('takes each message once, the oldest first, and of one instance when it is asked to', async () => {
    await start();
    const [one, two] = [await platform.connect(), await platform.connect()];
    for (const [plugin, value] of [
      [one, '1'],
      [two, '2'],
      [one, '3'],
    ] as const) {
      await plugin.publish('demo.a', bytes(value));
    }
    expect(textOf((await platform.next('demo.*', { sourceId: 'test-1' })).payload)).toBe('2');
    expect(textOf((await platform.next('demo.*')).payload)).toBe('1');
    expect(textOf((await platform.next('demo.*')).payload)).toBe('3');
  });

  test('says what was published instead', async () => {
    await start();
    const plugin = await platform.connect();
    await plugin.publish('demo.a', bytes('1'));
    const waiting = platform.next('demo.b', { timeoutMs: 10 });
    await expect(waiting).rejects.toThrow(TestKitError);
    await expect(waiting).rejects.toThrow('on demo.b within 10 ms; published and not yet taken: demo.a by test-0.');
  });
});

describe('what cannot be is refused', () => {
  test.each([
    [
      'an option that startPlatform does not have',
      () => startPlatform({ tme: 'real' } as object),
      'did you mean time?',
    ],
    ['a kind of time', () => startPlatform({ time: 'fast' as 'real' }), "it must be 'virtual' or 'real'"],
    ['an option of an instance', () => platform.connect({ pool: 'a' } as object), 'there is no options.pool'],
    ['a pattern', () => platform.connect({ grants: { publish: ['a..b'] } }), 'an array of patterns'],
    ['a kind of grant', () => platform.connect({ grants: { publsh: [] } as object }), 'did you mean publish?'],
    ['time that goes back', () => platform.advance(-1), 'a whole number from 0'],
  ])('%s', async (_, call, message) => {
    await start();
    await expect(call).rejects.toThrow(TypeError);
    await expect(call).rejects.toThrow(message);
  });

  test.each([
    ['an instance id', { instanceId: 'a b' }],
    ['a pool', { poolType: 'no pool' }],
  ])('%s that the sidecar does not accept', async (_, options) => {
    await start();
    await expect(platform.connect(options)).rejects.toThrow(TestKitError);
  });

  test('an instance of a platform that is stopped', async () => {
    await start();
    await platform.stop();
    await expect(platform.connect()).rejects.toThrow('the platform is stopped');
    await expect(platform.startBus()).rejects.toThrow('the platform is stopped');
  });

  test('an instance while there is no bus', async () => {
    await start();
    await platform.stopBus();
    await expect(platform.addInstance()).rejects.toThrow('call `startBus` first');
  });
});
