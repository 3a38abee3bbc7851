import { afterEach, describe, expect, test } from 'vitest';
import { connectPlugin } from '../../sidecar/plugins.ts';
import { endAll, runCliWith, startSidecar } from '../../sidecar/processes.ts';
import { administer, automatic, startGrantsBus, tokens } from '../bus-grants-fixtures.ts';

afterEach(endAll);

/** A bus, and a plugin of it. */
async function busAndPlugin() {
  const bus = await startGrantsBus(automatic());
  const sidecar = await startSidecar(bus.address);
  return { bus, sidecar, plugin: await connectPlugin(sidecar.address) };
}

describe('meridian-sidecar bus status', () => {
  test('shows store, instances and the largest backlog, as text and as JSON', async () => {
    const { bus, plugin } = await busAndPlugin();
    const held = Promise.withResolvers<void>();
    await plugin.subscribe('platform.oms.fills', { name: 'fills' }, () => held.promise);
    for (let count = 0; count < 3; count += 1) await plugin.publish('platform.oms.fills', Buffer.from('fill'));
    const { stdout } = await administer(bus, ['status']);
    expect(stdout).toMatch(/^deployment +grants$/m);
    expect(stdout).toMatch(/^store +3 messages, .* of 256 MiB \(\d+ %\)$/m);
    expect(stdout).toMatch(/^instances +1 registered, 1 connected, 0 draining$/m);
    expect(stdout).toMatch(/^oms-1 +fills +3 +yes$/m);
    const json = JSON.parse((await administer(bus, ['status', '--json'])).stdout);
    expect(json).toMatchObject({ deploymentId: 'grants', isOpen: false, messages: 3, registered: 1, connected: 1 });
    expect(json.backlogs).toEqual([{ instance: 'oms-1', name: 'fills', messages: 3, inUse: true }]);
    held.resolve();
  });
});

describe('meridian-sidecar bus topics', () => {
  test('counts messages and bytes by topic over a log of several answers, the largest first', async () => {
    const { bus, plugin } = await busAndPlugin();
    for (let round = 0; round < 10; round += 1) {
      const publishes = Array.from({ length: 500 }, (_, index) =>
        plugin.publish(index % 5 === 0 ? 'platform.oms.rare' : 'platform.oms.often', Buffer.alloc(10)),
      );
      await Promise.all(publishes);
    }
    const rows = JSON.parse((await administer(bus, ['topics', '--json'])).stdout);
    expect(rows).toMatchObject([
      { topic: 'platform.oms.often', messages: 4_000 },
      { topic: 'platform.oms.rare', messages: 1_000 },
    ]);
    const { stdout } = await administer(bus, ['topics', '*.*.rare']);
    expect(stdout.trimEnd().split('\n')).toHaveLength(2);
    expect(stdout).toMatch(/^platform\.oms\.rare +1000 /m);
  });
});

describe('meridian-sidecar bus tail', () => {
  test('prints what was stored last and then what is stored, and the log says who looked', async () => {
    const { bus, plugin } = await busAndPlugin();
    for (const text of ['first', 'second', 'th\u001b[2Jird'])
      await plugin.publish('platform.oms.fills', Buffer.from(text));
    await plugin.publish('platform.oms.others', Buffer.from('other'));
    const environment = { SIDECAR_BUS_API_URL: bus.address, SIDECAR_BUS_TOKEN: tokens.ops };
    const tail = runCliWith(environment, 'bus', 'tail', 'platform.oms.fills', '--last', '2');
    await tail.seen(/second[\s\S]*th\\u001b\[2Jird/);
    await plugin.publish('platform.oms.fills', Buffer.from('later'));
    await tail.seen(/later/);
    expect(tail.stdout).not.toMatch(/first|other/);
    await bus.program.seen(/an administrator reads messages pattern=platform\.oms\.fills by=ops/);
    tail.signal('SIGINT');
    expect(await tail.exited).toBe(0);
  });
});

describe('meridian-sidecar bus state reset', () => {
  test('is refused while the instance is registered, and forgets the state after it has left', async () => {
    const { bus, sidecar, plugin } = await busAndPlugin();
    await plugin.saveState(Buffer.from('old'));
    const refused = await administer(bus, ['state', 'reset', 'oms-1']);
    expect(refused).toMatchObject({ exitCode: 64, stderr: expect.stringContaining('[state/reset/registered]') });
    await plugin.stop();
    sidecar.program.signal('SIGTERM');
    await sidecar.program.exited;
    expect(await administer(bus, ['state', 'reset', 'oms-1'])).toMatchObject({
      exitCode: 0,
      stdout: 'forgot revision 1 of the state of oms-1\n',
    });
    await bus.program.seen(/an administrator reset a state instance=oms-1 revision=1 by=ops/);
    expect(await administer(bus, ['state', 'reset', 'oms-1'])).toMatchObject({ exitCode: 64 });
    const again = await startSidecar(bus.address);
    expect(await (await connectPlugin(again.address)).loadState()).toBeUndefined();
  });
});

test.each([
  [['status'], 'dev', 77, 'grants/admin/not-named'],
  [['topics'], 'dev', 77, 'grants/admin/not-named'],
  [['tail', '**'], 'dev', 77, 'grants/admin/not-named'],
  [['state', 'reset', 'oms-1'], 'dev', 77, 'grants/admin/not-named'],
  [['tail', 'a..b'], 'ops', 64, 'grants/request/invalid'],
  [['topics', 'a..b'], 'ops', 64, 'grants/request/invalid'],
  [['state', 'reset', 'oms-1'], 'ops', 64, 'state/show/not-found'],
] as const)('bus %j as %s is refused', async (args, principal, exitCode, id) => {
  const ended = await administer(await startGrantsBus(automatic()), [...args], principal);
  expect(ended).toMatchObject({ exitCode, stdout: '', stderr: expect.stringContaining(`[${id}]`) });
});
