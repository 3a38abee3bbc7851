import { afterEach, expect, test } from 'vitest';
import { connectPlugin } from '../../sidecar/plugins.ts';
import { endAll, startSidecar } from '../../sidecar/processes.ts';
import { administer, automatic, type GrantsBus, startGrantsBus } from '../bus-grants-fixtures.ts';

afterEach(endAll);

/** Lets a plugin fail over messages with these payloads, each twice. */
async function failOver(bus: GrantsBus, payloads: readonly string[]): Promise<void> {
  const { address } = await startSidecar(bus.address);
  const plugin = await connectPlugin(address);
  const letters = Promise.withResolvers<void>();
  let seen = 0;
  await plugin.subscribe('platform.oms.dead', { name: 'letters' }, () => {
    seen += 1;
    if (seen === payloads.length) letters.resolve();
  });
  const deadLetters = { afterAttempts: 2, topic: 'platform.oms.dead' };
  await plugin.subscribe('platform.oms.in', { name: 'orders', deadLetters }, () => {
    throw new Error('cannot');
  });
  for (const payload of payloads) await plugin.publish('platform.oms.in', Buffer.from(payload));
  await letters.promise;
  await plugin.stop();
}

test('an administrator lists the dead letters of a bus and reads one, which cannot control a terminal', async () => {
  const bus = await startGrantsBus(automatic());
  expect((await administer(bus, ['dead-letters', 'list'])).stdout).toBe('no dead letters\n');
  await failOver(bus, ['a\u001b[2J', ...Array.from({ length: 99 }, (_, index) => `${index}`)]);
  const rows = JSON.parse((await administer(bus, ['dead-letters', 'list', '--json'])).stdout) as { position: string }[];
  expect(rows).toHaveLength(100);
  expect(rows[0]).toMatchObject({
    ...{ instance: 'oms-1', subscription: 'orders', topic: 'platform.oms.dead', originalTopic: 'platform.oms.in' },
    ...{ originalPublisher: 'oms-1', attempts: 2, payloadBytes: 5 },
  });
  const table = (await administer(bus, ['dead-letters', 'list'])).stdout;
  expect(table).toMatch(
    /^POSITION +AT +INSTANCE +SUBSCRIPTION +TOPIC +TRIES\n\d+ +\S+ \S+ +oms-1 +orders +platform\.oms\.in +2\n/,
  );
  for (const line of table.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  const position = rows[0]?.position ?? '';
  const shown = await administer(bus, ['dead-letters', 'show', position]);
  expect(shown).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/ platform\.oms\.dead +oms-1 +a\\u001b\[2J\n$/),
  });
  const json = JSON.parse((await administer(bus, ['dead-letters', 'show', position, '--json'])).stdout);
  expect(json).toMatchObject({ topic: 'platform.oms.dead', payload: 'a\u001b[2J' });
  await bus.program.seen(/an administrator read a dead letter position=\d+ topic=platform\.oms\.dead by=ops/);
});

test.each([
  ['a position where there is none', ['show', '7'], 'ops', 64, 'dead-letters/show/not-found'],
  ['what is no position', ['show', 'first'], 'ops', 64, 'dead-letters/show/position'],
  ['a list for somebody else', ['list'], 'dev', 77, 'grants/admin/not-named'],
  ['one letter for somebody else', ['show', '1'], 'dev', 77, 'grants/admin/not-named'],
] as const)('is refused: %s', async (_, args, principal, exitCode, id) => {
  const ended = await administer(await startGrantsBus(automatic()), ['dead-letters', ...args], principal);
  expect(ended).toMatchObject({ exitCode, stdout: '' });
  expect(ended.stderr).toContain(`[${id}]`);
});
