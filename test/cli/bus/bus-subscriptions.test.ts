import { afterEach, describe, expect, test } from 'vitest';
import { EndReason } from '../../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { RawSession } from '../../bus/raw-session.ts';
import { endAll, runCliWith } from '../../sidecar/processes.ts';
import { administer, automatic, type GrantsBus, startGrantsBus, tokens } from '../bus-grants-fixtures.ts';

let session: RawSession | undefined;
afterEach(async () => {
  session?.close();
  session = undefined;
  await endAll();
});

const longestWish = 2 ** 32 - 1;

async function openSession(bus: GrantsBus): Promise<RawSession> {
  session = await RawSession.open(bus.address, 'oms-1', 'OMSPool');
  return session;
}

/** Stores a name and leaves it; why that is refused, or undefined. */
async function leave(by: RawSession, name: string): Promise<string | undefined> {
  const subscriptionId = 1;
  const credit = { creditMessages: 1, creditBytes: 1_024 };
  by.send({
    case: 'subscribe',
    value: { subscriptionId, name, pattern: 'platform.oms.*', idleExpiryS: longestWish, ...credit },
  });
  const { event } = await by.nextOf(['subscribed', 'subscriptionEnded']);
  if (event.case === 'subscriptionEnded') {
    expect(event.value.reason).toBe(EndReason.LIMIT);
    return event.value.detail;
  }
  by.send({ case: 'unsubscribe', value: { subscriptionId, name } });
  await by.next('unsubscribed');
  return undefined;
}

const quotaOfStored = (limit: number): string =>
  automatic().replace('subscribe: [', `quotas: { stored_subscriptions: ${limit} }, subscribe: [`);

describe('the stored names of an instance', () => {
  test('are no more than 1,024, whatever expiry they ask for, and one that is stored is opened again', async () => {
    // This session sends no heartbeats.
    const by = await openSession(await startGrantsBus(automatic(), undefined, ['--lease', '1m']));
    for (let index = 0; index < 1_024; index += 1) expect(await leave(by, `name-${index}`)).toBeUndefined();
    expect(await leave(by, 'one-more')).toBe(
      'over the quota stored_subscriptions: there are 1024 already, and the limit is 1024',
    );
    expect(await leave(by, 'name-7')).toBeUndefined();
  }, 60_000);

  test('are kept unused for at most --subscription-idle-max, also those that are stored for longer', async () => {
    const bus = await startGrantsBus(quotaOfStored(1));
    expect(await leave(await openSession(bus), 'first')).toBeUndefined();
    expect(await leave(await openSession(bus), 'second')).toMatch(/there are 1 already, and the limit is 1$/);
    session?.close();
    bus.program.signal('SIGTERM');
    await bus.program.exited;
    const again = await startGrantsBus(quotaOfStored(1), bus, ['--subscription-idle-max', '1s']);
    const by = await openSession(again);
    await expect.poll(() => leave(by, 'second'), { timeout: 20_000 }).toBeUndefined();
  }, 60_000);
});

describe('an administrator', () => {
  test('sees every stored subscription, as a table of at most 80 columns and as JSON', async () => {
    const bus = await startGrantsBus(automatic());
    const by = await openSession(bus);
    expect(await leave(by, 'left')).toBeUndefined();
    by.send({
      case: 'subscribe',
      value: { subscriptionId: 2, name: 'open', pattern: 'platform.oms.created', creditMessages: 1, creditBytes: 1 },
    });
    await by.next('subscribed');
    const json = await administer(bus, ['subscriptions', 'list', '--json']);
    expect(JSON.parse(json.stdout)).toEqual([
      expect.objectContaining({ instance: 'oms-1', name: 'left', pattern: 'platform.oms.*', inUse: false }),
      expect.objectContaining({ instance: 'oms-1', name: 'open', pattern: 'platform.oms.created', inUse: true }),
    ]);
    expect(JSON.parse(json.stdout)[0].idleExpirySeconds).toBe(7 * 24 * 3_600);
    const table = await administer(bus, ['subscriptions', 'list', '--instance', 'oms-1']);
    expect(table.stdout).toMatch(/^INSTANCE +NAME +PATTERN +IN USE +UNACKED +BACKLOG$/m);
    expect(table.stdout).toMatch(/^oms-1 +left +platform\.oms\.\* +no +0 +0$/m);
    for (const line of table.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    const other = await administer(bus, ['subscriptions', 'list', '--instance', 'oms-2']);
    expect(other.stdout).toBe('no subscriptions\n');
  });

  test('sees them all where they fill several pages', async () => {
    const bus = await startGrantsBus(automatic());
    const by = await openSession(bus);
    for (let index = 0; index < 600; index += 1) await leave(by, `name-${index}`);
    const { stdout } = await administer(bus, ['subscriptions', 'list', '--json']);
    const names = (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
    expect(new Set(names).size).toBe(600);
    expect(names).toHaveLength(600);
  });

  test('watches the list until the command is interrupted, and sees what changes', async () => {
    const bus = await startGrantsBus(automatic());
    const environment = { SIDECAR_BUS_API_URL: bus.address, SIDECAR_BUS_TOKEN: tokens.ops };
    const watch = runCliWith(environment, 'bus', 'subscriptions', 'list', '--watch', '--json');
    await watch.seen(/^\[\]$/m);
    expect(await leave(await openSession(bus), 'left')).toBeUndefined();
    await watch.seen(/^\[\{"instance":"oms-1","name":"left",.*\}\]$/m);
    watch.signal('SIGINT');
    expect(await watch.exited).toBe(0);
  });

  test('drops one that no plugin uses, and the log says who did', async () => {
    const bus = await startGrantsBus(automatic());
    const by = await openSession(bus);
    expect(await leave(by, 'left')).toBeUndefined();
    expect(await administer(bus, ['subscriptions', 'drop', 'oms-1', 'left'])).toMatchObject({
      exitCode: 0,
      stdout: 'dropped left of oms-1\n',
    });
    await bus.program.seen(/an administrator dropped a subscription instance=oms-1 subscription=left by=ops/);
    expect((await administer(bus, ['subscriptions', 'list'])).stdout).toBe('no subscriptions\n');
  });

  test.each([
    ['one that is not stored', ['drop', 'oms-1', 'nothing'], 'ops', 64, 'subscriptions/drop/not-found'],
    ['one that is in use', ['drop', 'oms-1', 'open'], 'ops', 64, 'subscriptions/drop/in-use'],
    ['anything as somebody else', ['drop', 'oms-1', 'open'], 'dev', 77, 'grants/admin/not-named'],
    ['to list as somebody else', ['list'], 'dev', 77, 'grants/admin/not-named'],
    ['to list without a credential', ['list'], 'nobody', 77, 'grants/admin/not-named'],
  ] as const)('is refused: %s', async (_, args, principal, exitCode, id) => {
    const bus = await startGrantsBus(automatic());
    const by = await openSession(bus);
    by.send({
      case: 'subscribe',
      value: { subscriptionId: 2, name: 'open', pattern: 'platform.oms.*', creditMessages: 1, creditBytes: 1 },
    });
    await by.next('subscribed');
    const ended = await administer(bus, ['subscriptions', ...args], principal);
    expect(ended.exitCode).toBe(exitCode);
    expect(ended.stderr).toContain(`[${id}]`);
  });
});
