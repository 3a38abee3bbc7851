import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CalledProvider, type Message, told } from '../called-provider.ts';

let provider: CalledProvider;
beforeEach(() => {
  provider = new CalledProvider();
  provider.engine.images.set('here:1', 'sha256:9');
});
afterEach(() => provider.remove());

const pull = (...options: readonly string[]): Promise<Message[]> =>
  provider.call(['--project-name=shop', 'pull', ...options, 'sidecar']);

describe('pull', () => {
  test.each([
    ['that the engine has, before an up', ['--image=here:1', '--source=registry', '--policy=missing']],
    ['that was built', ['--image=here:1', '--source=local', '--policy=always', '--digest=sha256:9', '--created=now']],
    ['with an option of a later Compose', ['--image=here:1', '--source=local', '--policy=missing', '--since=now']],
  ])('of an image %s asks no registry', async (_, options) => {
    const messages = await pull(...options);
    expect(told(messages, 'error')).toEqual([]);
    expect(provider.engine.calls.filter((call) => call.startsWith('pull '))).toEqual([]);
  });

  test.each([
    ['that the engine lacks', ['--image=away:1', '--source=registry', '--policy=missing'], 'away:1'],
    ['that is to be the newest', ['--image=here:1', '--source=registry', '--policy=always'], 'here:1'],
  ])('of an image %s asks the registry, and tells what it said', async (_, options, image) => {
    const messages = await pull(...options);
    expect(told(messages, 'info')).toContain(`pulling ${image}`);
    expect(told(messages, 'error')).toEqual([expect.stringContaining('[compose/image/pull]')]);
  });

  test('without an image is refused', async () => {
    expect(told(await pull('--source=local'), 'error')).toEqual([
      expect.stringContaining('[compose/arguments/missing]'),
    ]);
  });
});

describe('up with a Compose that tells a provider of its service', () => {
  const accepted = 'info,error,setenv,debug,rawsetenv,get-service-config';
  const up = (...options: readonly string[]): Promise<Message[]> =>
    provider.call(['--project-name=shop', 'up', '--pool-type=OMSPool', ...options, 'sidecar'], accepted);
  const configured = (config: object): void => void provider.lines.push(JSON.stringify(config));
  const sidecar = () => provider.engine.named('shop-sidecar-sidecar');

  test('takes the image of the service, unless the option names another', async () => {
    configured({ image: 'here:1', networks: { default: null } });
    await up();
    expect(sidecar()?.image).toBe('here:1');
    provider.engine.images.set('there:1', 'sha256:8');
    configured({ image: 'here:1' });
    await up('--image=there:1');
    expect(sidecar()?.image).toBe('there:1');
  });

  test.each([
    ['has no image', { image: 'shop-sidecar' }],
    ['cannot be read', 'x'],
    ['is null', null],
    ['has an image that is no text', { image: 3, networks: 3 }],
  ])('builds its own image for a service that %s', async (_, config) => {
    provider.lines.push(typeof config === 'string' ? config : JSON.stringify(config));
    const messages = await up();
    expect(told(messages, 'error')).toEqual([]);
    expect(sidecar()?.image).toMatch(/^meridian-sidecar:/);
  });

  test('goes on where no answer comes', async () => {
    expect(told(await up(), 'info').at(-1)).toBe('ready');
  });

  test('says which keys of the service have no effect', async () => {
    configured({ environment: { POOL_TYPE: 'OMSPool' }, ports: [{ target: 80 }], command: null, labels: {} });
    expect(told(await up(), 'info').at(-1)).toBe('ready (without effect on a provider: environment, ports)');
  });

  test('puts the plugin on the networks of the service', async () => {
    configured({ networks: { back: null } });
    expect(told(await up(), 'error')).toEqual([expect.stringContaining('no network `back`')]);
  });
});
