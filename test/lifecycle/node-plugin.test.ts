import { describe, expect, test } from 'vitest';
import type { AppInstance } from './app-instance.ts';
import { docker } from './engine-client.ts';
import { openNetwork, startBus, startInstance, startOf } from './platform.ts';

const sidecarName = 'meridian-sidecar';

async function startPlugin(network: string, env: Readonly<Record<string, string>> = {}): Promise<AppInstance> {
  const instance = await startInstance({ ...(await startOf('node-plugin')), network, env });
  await instance.line(/^web: running$/);
  return instance;
}

function lineOf({ container }: AppInstance, start: string): string {
  return container.lines.find((line) => line.startsWith(start)) ?? `no line that starts with ${start}`;
}

describe('node-plugin', () => {
  test('publishes, receives, asks and answers through its sidecar, and both stop on SIGTERM', async () => {
    const network = await openNetwork();
    await startBus(network);
    const instance = await startPlugin(network);
    expect(lineOf(instance, 'web: received demo.ticks')).toContain('"tick 1"');
    expect(lineOf(instance, 'web: request demo.sum')).toContain('answered 42');
    expect(lineOf(instance, 'web: published orders.new')).toContain('refused');
    expect(Object.fromEntries(await instance.stop())).toEqual({ web: 0, [sidecarName]: 0 });
    expect(lineOf(instance, `${sidecarName}: INFO  stopped`)).toContain('publishesUnresolved=0');
  });

  test('killed, takes its container with it, and the next instance goes on with its state', async () => {
    const network = await openNetwork();
    await startBus(network);
    const first = await startPlugin(network);
    await first.container.signal(['web'], 'KILL');
    expect(await first.ended).toEqual([
      ['web', 137],
      [sidecarName, 0],
    ]);
    const second = await startPlugin(network);
    expect(lineOf(second, 'web: state loaded')).toContain('{"starts":1}');
    expect(lineOf(second, 'web: received demo.ticks')).toContain('"tick 2"');
  });

  test('stops gracefully when its sidecar is killed, and the next instance takes over its id', async () => {
    const network = await openNetwork();
    await startBus(network);
    const first = await startPlugin(network);
    await first.container.signal([sidecarName], 'KILL');
    const endings = await first.ended;
    expect(endings[0]).toEqual([sidecarName, 137]);
    expect(endings[1]?.[0]).toBe('web');
    const second = await startPlugin(network);
    expect(lineOf(second, 'web: state loaded')).toContain('{"starts":1}');
  });

  test('answers a health check on PORT by its sidecar, from beside the app and from another host', async () => {
    const network = await openNetwork();
    await startBus(network);
    const instance = await startPlugin(network, { SIDECAR_HEALTH_ADDR: ':$PORT' });
    const { container } = instance;
    const ask = (host: string, path: string): string =>
      `curl -s -o /dev/null -w '%{http_code}' http://${host}:8080${path}`;
    expect(await container.run(ask('127.0.0.1', '/healthz'))).toBe('200');
    expect(await container.run(ask('127.0.0.1', '/readyz'))).toBe('200');
    const router = await startInstance({
      ...(await startOf('node-plugin')),
      network,
      command: 'sleep infinity',
      sidecars: [],
    });
    expect(await router.container.run(ask(container.ip, '/healthz'))).toBe('200');
    const [, port] = await instance.line(/^meridian-sidecar: INFO {2}plugin port listens address=\S+:(\d+)/);
    await expect(router.container.run(`curl -s -m 2 http://${container.ip}:${port}/`)).rejects.toThrow();
  });

  test('runs in one container: one user, one memory limit, one network', async () => {
    const network = await openNetwork();
    await startBus(network);
    const { container } = await startPlugin(network);
    const both = 'for name in web meridian-sidecar; do pid=$(<"/run/pids/$name"); ';
    expect(await container.run(`${both} stat -c %U "/proc/$pid"; done`)).toBe('vcap\nvcap');
    const [one, other] = (await container.run(`${both} readlink "/proc/$pid/ns/net"; done`)).split('\n');
    expect(one).toBe(other);
    const limit = await docker('inspect', '--format', '{{.HostConfig.Memory}}', container.id);
    expect(Number(limit)).toBe(container.manifest.memoryMb * 1024 * 1024);
  });
});
