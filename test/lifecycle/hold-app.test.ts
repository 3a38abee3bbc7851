import { describe, expect, test } from 'vitest';
import type { AppContainer, LaunchedProcess } from './app-container.ts';
import type { InstanceStart } from './app-instance.ts';
import { openContainer, openNetwork, startBus, startOf } from './platform.ts';

const held = { SIDECAR_HOLD_APP: 'true' };

interface World {
  readonly container: AppContainer;
  readonly web: () => LaunchedProcess;
  readonly sidecar: () => LaunchedProcess;
}

async function world(): Promise<World> {
  const network = await openNetwork();
  await startBus(network);
  const start: InstanceStart = { ...(await startOf('node-plugin')), network, env: held };
  const container = await openContainer(start);
  const [sidecar] = start.sidecars;
  return {
    container,
    web: () => container.launch('web', start.command, 256),
    sidecar: () => container.launch('sidecar', sidecar?.command ?? '', sidecar?.memory ?? 0),
  };
}

describe('node-plugin with SIDECAR_HOLD_APP', () => {
  test('waits for its sidecar when the app starts first', async () => {
    const { container, web, sidecar } = await world();
    web();
    await container.said.line(/^web: Invoking pre-start scripts/);
    sidecar();
    await container.said.line(/^web: running$/);
    const at = (pattern: RegExp): number => container.lines.findIndex((line) => pattern.test(line));
    const ready = at(/^web: meridian-sidecar: the sidecar is READY/);
    expect(at(/^sidecar: Invoking start command/)).toBeGreaterThan(-1);
    expect(ready).toBeGreaterThan(at(/^sidecar: INFO {2}plugin port listens/));
    expect(at(/^web: Invoking start command/)).toBeGreaterThan(ready);
  });

  test('starts at once when the sidecar is ready', async () => {
    const { container, web, sidecar } = await world();
    sidecar();
    await container.said.line(/^sidecar: INFO {2}startup 8\/8/);
    web();
    await container.said.line(/^web: running$/);
    const atOnce = /^web: meridian-sidecar: the sidecar is READY after [01] s; the app starts$/;
    expect(container.lines).toContainEqual(expect.stringMatching(atOnce));
  });

  test('does not wait in a task, which has no sidecar', async () => {
    const { container } = await world();
    const task = container.launch('task', 'echo "$SIDECAR_ADDR" done', 256, null);
    expect(await task.exited).toBe(0);
    expect(container.lines).toEqual([
      'task: Invoking pre-start scripts.',
      'task: Invoking start command.',
      'task: 127.0.0.1:9191 done',
    ]);
  });
});
