import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CalledProvider, told } from '../called-provider.ts';

let provider: CalledProvider;
beforeEach(() => {
  provider = new CalledProvider();
});
afterEach(() => provider.remove());

const names = (): string[] => provider.engine.containers.map(({ name }) => name).sort();
const running = (): string[] =>
  provider.engine.containers
    .filter(({ isRunning }) => isRunning)
    .map(({ name }) => name)
    .sort();
const ownerId = (): string => provider.engine.named('shop-sidecar-1')?.id ?? '';

describe('up', () => {
  test('brings the owner of the network and the sidecar in it, and tells dependents where and which', async () => {
    const messages = await provider.up();
    expect(running()).toEqual(['shop-sidecar-1', 'shop-sidecar-sidecar']);
    expect(provider.engine.named('shop-sidecar-sidecar')?.networkMode).toBe(`container:${ownerId()}`);
    expect(told(messages, 'setenv')).toEqual(['ADDR=127.0.0.1:9191', `GENERATION=${ownerId()}`]);
    expect(messages.at(-3)).toEqual({ type: 'info', message: 'ready' });
  });

  test('again changes nothing, and tells the same', async () => {
    const first = await provider.up();
    const before = structuredClone(provider.engine.containers);
    const second = await provider.up();
    expect(told(second, 'setenv')).toEqual(told(first, 'setenv'));
    expect(provider.engine.containers).toEqual(before);
  });

  test('with a changed option replaces the sidecar alone, and says so', async () => {
    const first = await provider.up();
    const second = await provider.up('--tags=eod');
    expect(told(second, 'info')).toContainEqual(expect.stringContaining('replacing the sidecar'));
    expect(told(second, 'setenv')).toEqual(told(first, 'setenv'));
    expect(names()).toEqual(['shop-sidecar-1', 'shop-sidecar-sidecar']);
    expect(provider.engine.named('shop-sidecar-sidecar')?.flags).toContain('TAGS=eod');
  });

  test.each([
    ['ended with it', true],
    ['goes on', false],
  ])('with a changed option leaves a plugin running that %s', async (_, ends) => {
    await provider.up();
    const plugin = provider.engine.addPlugin('shop-plugin-1', `container:${ownerId()}`);
    provider.engine.onStop = (stopped) => {
      if (ends && stopped !== plugin) provider.engine.end(plugin, 0);
    };
    const messages = await provider.up('--tags=eod');
    expect(plugin.isRunning).toBe(true);
    const started = expect.stringContaining('starting shop-plugin-1 again');
    expect(told(messages, 'info')).toEqual(
      ends ? expect.arrayContaining([started]) : expect.not.arrayContaining([started]),
    );
  });

  test('with a changed port makes a new generation', async () => {
    const first = await provider.up();
    const second = await provider.up('--publish=8080:80');
    expect(told(second, 'setenv')[1]).not.toBe(told(first, 'setenv')[1]);
    expect(running()).toEqual(['shop-sidecar-1', 'shop-sidecar-sidecar']);
  });

  test('that fails leaves nothing, and ends with the error that quotes the sidecar', async () => {
    provider.engine.sidecarEndsWith = 77;
    provider.engine.sidecarLog = 'registration refused';
    const messages = await provider.up('--bus=embedded');
    expect(names()).toEqual([]);
    expect(provider.state.allEntries()).toEqual([]);
    expect(messages.at(-1)).toEqual({
      type: 'error',
      message: expect.stringMatching(/ended with 77.*registration refused.*\[compose\/sidecar\/ended\]/),
    });
    expect(told(messages, 'setenv')).toEqual([]);
  });

  test('whose replacement fails brings the old sidecar back', async () => {
    await provider.up();
    const old = provider.engine.named('shop-sidecar-sidecar')?.id;
    provider.engine.notReady = 'it is REGISTERING';
    const messages = await provider.up('--tags=eod', '--timeout=300ms');
    expect(messages.at(-1)?.message).toMatch(/\[compose\/sidecar\/not-ready\]$/);
    expect(running()).toEqual(['shop-sidecar-1', 'shop-sidecar-sidecar']);
    expect(provider.engine.named('shop-sidecar-sidecar')?.id).toBe(old);
  });

  test.each<[string, readonly string[], boolean]>([
    ['names no bus is told of `bus: embedded`', [], true],
    ['names its bus is not', ['--bus-api-url=bus.example:8443'], false],
    ['has the embedded bus is not', ['--bus=embedded'], false],
  ])('that is not ready in time and %s', async (_what, options, isTold) => {
    provider.engine.notReady = 'it is REGISTERING';
    const [last] = (await provider.up('--timeout=300ms', ...options)).slice(-1);
    expect(last?.message).toMatch(/\[compose\/sidecar\/not-ready\]$/);
    expect(last?.message.includes('Set the option `bus: embedded`')).toBe(isTold);
  });

  test('takes a sidecar whose plugin is faulted for one that is there, since Compose is about to replace the plugin', async () => {
    await provider.up();
    provider.engine.notReady = 'it is FAULTED';
    expect(told(await provider.up(), 'error')).toEqual([]);
  });

  test('marks the sidecar for a Compose that removes containers of the service as a one-off', async () => {
    const accepted = 'info,debug,error,setenv,rawsetenv,publish-endpoint';
    await provider.call(['--project-name=shop', 'up', '--pool-type=OMSPool', 'sidecar'], accepted);
    expect(provider.engine.named('shop-sidecar-sidecar')?.labels).toMatchObject({
      'com.docker.compose.oneoff': 'True',
    });
    const stopped = await provider.call(['--project-name=shop', 'stop', 'sidecar'], accepted);
    expect(told(stopped, 'info').at(-1)).toBe('stopped; `up` starts it again, `start` does not');
  });

  test('starts a stopped sidecar again', async () => {
    await provider.up();
    await provider.call(['--project-name=shop', 'stop', 'sidecar']);
    expect(running()).toEqual(['shop-sidecar-1']);
    await provider.up();
    expect(running()).toEqual(['shop-sidecar-1', 'shop-sidecar-sidecar']);
  });

  test('replaces an owner that went down under a running plugin, so that the plugin is created anew', async () => {
    const first = await provider.up();
    provider.engine.addPlugin('shop-plugin-1', `container:${ownerId()}`);
    provider.engine.end(provider.engine.named('shop-sidecar-1')!, 137);
    const second = await provider.up();
    expect(told(second, 'setenv')[1]).not.toBe(told(first, 'setenv')[1]);
  });

  test('tells nothing with env: false', async () => {
    expect(told(await provider.up('--env=false'), 'setenv')).toEqual([]);
  });

  test.each<[string, string, () => unknown, ...string[]]>([
    [
      'several plugins',
      'compose/plugin/several',
      async () => {
        await provider.up();
        for (const name of ['shop-a-1', 'shop-b-1']) provider.engine.addPlugin(name, `container:${ownerId()}`);
      },
    ],
    ['no network of the project', 'compose/network/missing', () => void provider.engine.networks.pop()],
    [
      'an engine that does not answer',
      'compose/engine/unreachable',
      () => {
        provider.engine.id = '';
      },
    ],
    ['an image that is nowhere', 'compose/image/pull', () => undefined, '--image=nowhere:1'],
    [
      'a stranger with its name',
      'compose/container/name-taken',
      () => void provider.engine.addPlugin('shop-sidecar-1', 'bridge', 'other'),
    ],
  ])('refuses %s with %s', async (_what, id, arrange, ...options) => {
    await arrange();
    const messages = await provider.up(...options);
    expect(messages.at(-1)).toEqual({ type: 'error', message: expect.stringContaining(`[${id}]`) });
  });

  test('is done twice at once as if one came after the other', async () => {
    const both = await Promise.all([provider.up(), provider.up()]);
    expect(told(both[0] ?? [], 'setenv')).toEqual(told(both[1] ?? [], 'setenv'));
    expect(names()).toEqual(['shop-sidecar-1', 'shop-sidecar-sidecar']);
  });
});

describe('the embedded bus', () => {
  const other = (command: string): Promise<unknown> =>
    provider.call(['--project-name=shop', command, '--pool-type=DGMPool', '--bus=embedded', 'other']);

  test('is one for the project, warns that it is open, and goes with the last that uses it', async () => {
    const messages = await provider.up('--bus=embedded');
    expect(told(messages, 'info')).toContainEqual(expect.stringMatching(/^WARNING: the embedded bus has no policy/));
    await other('up');
    expect(names().filter((name) => name.includes('bus'))).toEqual(['shop-meridian-bus']);
    expect(provider.engine.named('shop-sidecar-sidecar')?.flags).toContain(
      'SIDECAR_BUS_API_URL=shop-meridian-bus:8443',
    );
    await provider.down();
    expect(names()).toContain('shop-meridian-bus');
    await provider.call(['--project-name=shop', 'down', 'other']);
    expect(names()).toEqual([]);
  });

  test('that got a policy from another service is not called open', async () => {
    const policy = path.join(import.meta.dirname, '../fake-engine.ts');
    await provider.up('--bus=embedded', `--policy=${policy}`);
    const words = ['--project-name=shop', 'up', '--pool-type=DGMPool', '--bus=embedded', 'other'];
    expect(told(await provider.call(words), 'info')).toEqual(['ready']);
    const third = words.with(-1, `--policy=${import.meta.filename}`).concat('third');
    expect((await provider.call(third)).at(-1)?.message).toContain('[compose/bus/two-policies]');
  });

  test('that cannot run is the reason that is told', async () => {
    provider.engine.busEnds = true;
    provider.engine.sidecarEndsWith = 69;
    provider.engine.sidecarLog = 'the policy file cannot be read';
    const messages = await provider.up('--bus=embedded');
    expect(messages.at(-1)?.message).toMatch(/^the embedded bus does not run: the policy.*\[compose\/bus\/ended\]$/);
    expect(names()).toEqual([]);
  });

  test('stays when another service fails on it', async () => {
    await provider.up('--bus=embedded');
    provider.engine.sidecarEndsWith = 77;
    await other('up');
    expect(running()).toEqual(['shop-meridian-bus', 'shop-sidecar-1', 'shop-sidecar-sidecar']);
  });
});

describe('down', () => {
  test('removes everything, with nothing but names; twice, and with nothing there', async () => {
    await provider.up('--bus=embedded');
    expect(told(await provider.down(), 'setenv')).toEqual([]);
    expect(names()).toEqual([]);
    expect(told(await provider.down(), 'error')).toEqual([]);
    expect(provider.state.allEntries()).toEqual([]);
  });

  test('lets the sidecar drain before the network goes', async () => {
    await provider.up();
    provider.engine.calls.length = 0;
    await provider.down();
    const stops = provider.engine.calls.filter((call) => /^(stop|rm)/.test(call)).map((call) => call.split(' ')[0]);
    expect(stops).toEqual(['stop', 'rm', 'rm']);
  });

  test('passes over an option that nobody knows', async () => {
    await provider.up();
    const messages = await provider.call(['--project-name=shop', 'down', '--tiemout=1s', 'sidecar']);
    expect(told(messages, 'info')[0]).toContain('tiemout');
    expect(names()).toEqual([]);
  });

  test('on another engine than up says where it was', async () => {
    await provider.up();
    provider.engine.containers.length = 0;
    Object.assign(provider.engine, { id: 'engine-2', endpoint: 'tcp://elsewhere:2376' });
    const messages = await provider.down();
    expect(messages.at(-1)?.message).toContain('[compose/engine/other]');
  });

  test('on an engine that was made anew at the same place is done', async () => {
    await provider.up();
    provider.engine.containers.length = 0;
    provider.engine.id = 'engine-2';
    expect(told(await provider.down(), 'error')).toEqual([]);
    expect(provider.state.allEntries()).toEqual([]);
  });
});
