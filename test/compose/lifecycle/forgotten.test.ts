import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ProviderProcess } from '../provider-process.ts';

let provider: ProviderProcess;
beforeEach(async () => {
  provider = new ProviderProcess();
  await provider.up('--bus=embedded');
});
afterEach(() => provider.close());

const names = (): string[] => provider.engine.containers.map(({ name }) => name).sort();
const ours = ['shop-meridian-bus', 'shop-sidecar-1', 'shop-sidecar-sidecar'];
const addPlugin = (): unknown =>
  provider.engine.addPlugin('shop-plugin-1', `container:${provider.engine.named('shop-sidecar-1')?.id}`);

describe('compose gc', () => {
  test('removes everything of a project of which nothing else is left, its network too', async () => {
    const { exitCode, stdout } = await provider.run(['gc', '--older-than', '0s']);
    expect(exitCode).toBe(0);
    expect(stdout.trim().split('\n').sort()).toEqual([...ours, 'shop_default'].map((name) => `removed ${name}`).sort());
    expect(names()).toEqual([]);
    expect(provider.engine.networks).toEqual([]);
  });

  test('leaves alone what has a plugin', async () => {
    addPlugin();
    expect(await provider.run(['gc', '--older-than', '0s'])).toEqual({ exitCode: 0, stdout: '' });
    expect(names()).toContain('shop-sidecar-1');
  });

  test('leaves alone what is young, since its plugin may be on its way', async () => {
    expect(await provider.run(['gc'])).toEqual({ exitCode: 0, stdout: '' });
    expect(names()).toEqual(ours);
  });

  test('leaves alone every other project than those that are named', async () => {
    expect(await provider.run(['gc', '--older-than', '0s', 'other'])).toEqual({ exitCode: 0, stdout: '' });
    expect(names()).toEqual(ours);
    await provider.run(['gc', '--older-than', '0s', 'other', 'shop']);
    expect(names()).toEqual([]);
  });

  test('only says what it would remove with --dry-run, as JSON with --json', async () => {
    const { stdout } = await provider.run(['gc', '--older-than', '0s', '--dry-run', '--json']);
    expect((JSON.parse(stdout) as string[]).sort()).toEqual([...ours, 'shop_default'].sort());
    expect(names()).toEqual(ours);
  });

  test('refuses an age that is no duration', async () => {
    expect(await provider.run(['gc', '--older-than', 'old'])).toMatchObject({ exitCode: 64 });
  });
});

describe('compose ps', () => {
  test('shows each container with its plugin', async () => {
    addPlugin();
    const { stdout } = await provider.run(['ps']);
    expect(stdout).toMatch(/^PROJECT +SERVICE +ROLE +STATE +CONTAINER +PLUGIN +PORTS\n/);
    expect(stdout).toMatch(/^shop +sidecar +network-owner +running +shop-sidecar-1 +shop-plugin-1$/m);
  });

  test('shows the ports that are published, by the container that has them', async () => {
    await provider.up('--bus=embedded', '--publish=8080:80', '--publish=127.0.0.1:5353:53/udp');
    const rows = JSON.parse((await provider.run(['ps', '--json'])).stdout) as { container: string; ports: string[] }[];
    expect(Object.fromEntries(rows.map(({ container, ports }) => [container, ports]))).toEqual({
      'shop-meridian-bus': [],
      'shop-sidecar-1': ['127.0.0.1:5353:53/udp', '8080:80'],
      'shop-sidecar-sidecar': [],
    });
    expect((await provider.run(['ps'])).stdout).toMatch(/shop-sidecar-1 +127\.0\.0\.1:5353:53\/udp,8080:80 /m);
  });

  test('marks a bus without a policy', async () => {
    expect((await provider.run(['ps'])).stdout).toMatch(/shop-meridian-bus .*open: no policy$/m);
    const rows = JSON.parse((await provider.run(['ps', '--json'])).stdout) as { role: string; isOpen: boolean }[];
    expect(rows.filter(({ isOpen }) => isOpen).map(({ role }) => role)).toEqual(['bus']);
  });

  test('marks what is forgotten, as JSON too', async () => {
    expect((await provider.run(['ps'])).stdout).toMatch(/shop-sidecar-1 +forgotten: compose gc$/m);
    const rows = JSON.parse((await provider.run(['ps', '--json'])).stdout) as {
      container: string;
      isForgotten: boolean;
    }[];
    expect(
      rows
        .filter(({ isForgotten }) => isForgotten)
        .map(({ container }) => container)
        .sort(),
    ).toEqual(ours);
  });
});
