import { afterEach, describe, expect, test } from 'vitest';
import { connectPlugin } from '../../sidecar/plugins.ts';
import { endAll, runCliWith, startSidecar } from '../../sidecar/processes.ts';
import { startShellBus, withStdin } from './shells.ts';

afterEach(endAll);

async function servingPlugin() {
  const world = await startShellBus();
  const sidecar = await startSidecar(world.address);
  const plugin = await connectPlugin(sidecar.address);
  return { ...world, plugin };
}

describe('meridian-sidecar request', () => {
  test('prints the payload of the answer as it is', async () => {
    const { address, plugin } = await servingPlugin();
    await plugin.serve('platform.echo', ({ payload }) => ({ payload }));
    const binary = Buffer.from([0, 0xff, 0x1b, 10]);
    const asked = await withStdin(address, binary, 'request', 'platform.echo', '-');
    expect(asked).toEqual({ code: 0, stdout: binary, stderr: '' });
    const empty = await withStdin(address, Buffer.alloc(0), 'request', 'platform.echo');
    expect(empty).toEqual({ code: 0, stdout: Buffer.alloc(0), stderr: '' });
  });

  test('prints answer and failure as JSON', async () => {
    const { plugin, shell } = await servingPlugin();
    await plugin.serve('platform.echo', ({ payload }) => ({ payload, payloadType: 'text/plain' }));
    const answered = shell('request', 'platform.echo', 'hi', '--json');
    expect(await answered.exited).toBe(0);
    expect(JSON.parse(answered.stdout)).toEqual({
      topic: 'platform.echo',
      outcome: 'answered',
      payloadType: 'text/plain',
      payload: 'hi',
    });
    const failed = shell('request', 'platform.other', 'hi', '--json');
    expect(await failed.exited).toBe(68);
    expect(JSON.parse(failed.stdout)).toMatchObject({ topic: 'platform.other', outcome: 'no_handler' });
  });

  test('has an exit code for each outcome', async () => {
    const { plugin, shell } = await servingPlugin();
    await plugin.serve('platform.fails', () => {
      throw new Error('no stock\u001b[2J');
    });
    await plugin.serve('platform.silent', () => new Promise(() => {}));
    const ends = async (args: readonly string[]) => {
      const asked = shell('request', ...args);
      const code = await asked.exited;
      return { code, stdout: asked.stdout, stderr: asked.stderr };
    };
    const failed = await ends(['platform.fails']);
    expect(failed).toMatchObject({ code: 70, stdout: '' });
    expect(failed.stderr).toContain(String.raw`no stock\u001b[2J`);
    expect(failed.stderr).toContain('[shell/request/handler-error]');
    const timedOut = await ends(['platform.silent', '--timeout', '100ms']);
    expect(timedOut).toMatchObject({
      code: 75,
      stdout: '',
      stderr: expect.stringContaining('[shell/request/timeout]'),
    });
    const alone = await ends(['platform.nobody']);
    expect(alone).toMatchObject({
      code: 68,
      stdout: '',
      stderr: expect.stringContaining('[shell/request/no-handler]'),
    });
    const denied = await ends(['orders.new']);
    expect(denied).toMatchObject({ code: 77, stdout: '', stderr: expect.stringContaining('[shell/grant/denied]') });
  });

  test('ends with 130 at an interrupt', async () => {
    const { bus, plugin, shell } = await servingPlugin();
    const asked = Promise.withResolvers<void>();
    await plugin.serve('platform.silent', () => {
      asked.resolve();
      return new Promise(() => {});
    });
    const request = shell('request', 'platform.silent', '--instance', 'shell-1');
    await asked.promise;
    request.signal('SIGINT');
    expect(await request.exited).toBe(130);
    expect(request.output).toBe('');
    await bus.seen(/deregistered instance=shell-1/);
  });

  test.each([
    ['a pattern', ['a.*'], '[shell/arguments/topic]'],
    ['a timeout over the limit', ['a', '--timeout', '61s'], 'at most 60000 ms'],
    ['a timeout of nothing', ['a', '--timeout', '0s'], 'above zero'],
  ])('refuses %s', async (_, args, says) => {
    const asked = runCliWith({ SIDECAR_BUS_API_URL: '127.0.0.1:1' }, 'request', ...args);
    expect(await asked.exited).toBe(64);
    expect(asked.stderr).toContain(says);
  });
});
