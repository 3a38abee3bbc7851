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

/** By the app's own output alone: the lines of two processes come in any order. */
function expectHeldUntilReady({ lines }: AppContainer): void {
  expect(lines.filter((line) => line.startsWith('web: ')).slice(0, 3)).toEqual([
    'web: Invoking pre-start scripts.',
    expect.stringMatching(/^web: meridian-sidecar: the sidecar is READY after \d+ s; the app starts$/),
    'web: Invoking start command.',
  ]);
}

describe('node-plugin with SIDECAR_HOLD_APP', () => {
  test('waits for its sidecar when the app starts first', async () => {
    const { container, web, sidecar } = await world();
    web();
    await container.said.line(/^web: Invoking pre-start scripts/);
    sidecar();
    await container.said.line(/^web: running$/);
    expectHeldUntilReady(container);
  });

  test('starts as well when the sidecar is ready before it', async () => {
    const { container, web, sidecar } = await world();
    sidecar();
    await container.said.line(/^sidecar: INFO {2}startup 8\/8/);
    web();
    await container.said.line(/^web: running$/);
    expectHeldUntilReady(container);
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
