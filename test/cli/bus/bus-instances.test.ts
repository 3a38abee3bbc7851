import { afterEach, expect, test } from 'vitest';
import { RawSession } from '../../bus/raw-session.ts';
import { endAll, runCliWith } from '../../sidecar/processes.ts';
import { administer, automatic, startGrantsBus, tokens } from '../bus-grants-fixtures.ts';

const sessions: RawSession[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) session.close();
  await endAll();
});

test('an administrator sees who is registered, as JSON and as a table of at most 80 columns', async () => {
  const bus = await startGrantsBus(automatic());
  expect((await administer(bus, ['instances'])).stdout).toBe('no instances\n');
  for (const id of ['oms-2', 'oms-1']) sessions.push(await RawSession.open(bus.address, id, 'OMSPool'));
  const { stdout } = await administer(bus, ['instances', '--json']);
  expect(JSON.parse(stdout)).toEqual(
    ['oms-1', 'oms-2'].map((instance) =>
      expect.objectContaining({ instance, pool: 'OMSPool', phase: 'active', connected: true, undecidedGrants: 0 }),
    ),
  );
  const table = (await administer(bus, ['instances'])).stdout;
  expect(table).toMatch(/^INSTANCE +PHASE +VERSION +SESSION +LEASE +SUBS +UNDECIDED$/m);
  expect(table).toMatch(/^oms-1 +active .* open +\d+\.\ds +0 +0$/m);
  for (const line of table.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});

test('an administrator watches who comes', async () => {
  const bus = await startGrantsBus(automatic());
  const environment = { SIDECAR_BUS_API_URL: bus.address, SIDECAR_BUS_TOKEN: tokens.ops };
  const watch = runCliWith(environment, 'bus', 'instances', '--watch', '--json');
  await watch.seen(/^\[\]$/m);
  sessions.push(await RawSession.open(bus.address, 'oms-1', 'OMSPool'));
  await watch.seen(/^\[\{"instance":"oms-1",.*\}\]$/m);
  watch.signal('SIGINT');
  expect(await watch.exited).toBe(0);
});

test.each(['dev', 'nobody'] as const)('%s is refused', async (principal) => {
  const ended = await administer(await startGrantsBus(automatic()), ['instances'], principal);
  expect(ended).toMatchObject({ exitCode: 77, stdout: '' });
  expect(ended.stderr).toContain('[grants/admin/not-named]');
});
