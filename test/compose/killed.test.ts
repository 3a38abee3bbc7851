import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ProviderProcess } from './provider-process.ts';

let provider: ProviderProcess;
beforeEach(() => {
  provider = new ProviderProcess();
});
afterEach(() => provider.close());

const options = ['--bus=embedded'];
const complete = ['shop-meridian-bus', 'shop-sidecar-1', 'shop-sidecar-sidecar'];
const names = (): string[] => provider.engine.containers.map(({ name }) => name).sort();
const running = (): string[] =>
  provider.engine.containers
    .filter(({ isRunning }) => isRunning)
    .map(({ name }) => name)
    .sort();

/** How many calls of the engine such a run makes, when nobody kills it. */
async function countCalls(run: () => Promise<unknown>): Promise<number> {
  await run();
  return provider.calls;
}

async function killAtEachCall(calls: number, run: () => Promise<unknown>, check: () => Promise<void>): Promise<void> {
  for (let call = 0; call <= calls; call += 1) {
    // What is there before a call is what was there after the one before it.
    provider.killAt = { call: Math.max(call, 1), when: call === 0 ? 'before' : 'after' };
    await run();
    provider.killAt = undefined;
    await check();
  }
}

describe('a provider killed at any call of the engine', () => {
  test('while it brings the service up: the next up brings it about, and the down after that leaves nothing', async () => {
    const calls = await countCalls(() => provider.up(...options));
    expect(calls).toBeGreaterThan(10);
    await provider.down();
    await killAtEachCall(
      calls,
      () => provider.up(...options),
      async () => {
        expect(await provider.up(...options)).toMatchObject({ exitCode: 0 });
        expect(running()).toEqual(complete);
        expect(await provider.down()).toMatchObject({ exitCode: 0 });
        expect(names()).toEqual([]);
      },
    );
  });

  test('while it brings the service up: down alone leaves nothing', async () => {
    const calls = await countCalls(() => provider.up(...options));
    await provider.down();
    await killAtEachCall(
      calls,
      () => provider.up(...options),
      async () => {
        expect(await provider.down()).toMatchObject({ exitCode: 0 });
        expect(names()).toEqual([]);
      },
    );
  });

  test('while it replaces the sidecar: the next up ends with one sidecar, in the same network', async () => {
    await provider.up(...options);
    const owner = provider.engine.named('shop-sidecar-1')?.id;
    let tag = 0;
    const replace = (): Promise<unknown> => provider.up(...options, `--tags=t${tag}`);
    const calls = await countCalls(replace);
    await killAtEachCall(
      calls,
      () => {
        tag += 1;
        return replace();
      },
      async () => {
        expect(await replace()).toMatchObject({ exitCode: 0 });
        expect(running()).toEqual(complete);
        expect(names()).toEqual(complete);
        expect(provider.engine.named('shop-sidecar-1')?.id).toBe(owner);
      },
    );
  });

  test('while it takes the service down: the next down leaves nothing', async () => {
    await provider.up(...options);
    const calls = await countCalls(() => provider.down());
    await killAtEachCall(
      calls,
      async () => {
        const { killAt } = provider;
        provider.killAt = undefined;
        await provider.up(...options);
        provider.killAt = killAt;
        await provider.down();
      },
      async () => {
        expect(await provider.down()).toMatchObject({ exitCode: 0 });
        expect(names()).toEqual([]);
      },
    );
  });
});
