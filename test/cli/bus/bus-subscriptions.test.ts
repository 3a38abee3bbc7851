import { afterEach, describe, expect, test } from 'vitest';
import { EndReason } from '../../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { RawSession } from '../../bus/raw-session.ts';
import { endAll } from '../../sidecar/processes.ts';
import { automatic, type GrantsBus, startGrantsBus } from '../bus-grants-fixtures.ts';

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
    const by = await openSession(await startGrantsBus(automatic()));
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
