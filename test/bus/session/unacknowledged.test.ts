import { afterEach, expect, test } from 'vitest';
import { create } from '../../../src/contract/wire/codec/message.ts';
import {
  type Delivery,
  SaveStateRequestSchema,
  StartAt,
} from '../../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { limits } from '../../../src/contract/wire/limits.ts';
import { busMethods } from '../../../src/contract/wire/methods.ts';
import { endAll, startBus, writeTemporary } from '../../sidecar/processes.ts';
import { RawSession } from '../raw-session.ts';

afterEach(endAll);

const limit = limits.unacknowledgedMessages;
const surplus = 500;

/** A session that gives more credit than there are messages, whatever it leaves unacknowledged. */
class GreedyReader {
  readonly #session: RawSession;

  private constructor(session: RawSession) {
    this.#session = session;
  }

  static async open(address: string, resumeEpoch = 0n): Promise<GreedyReader> {
    return new GreedyReader(await RawSession.open(address, 'oms-2', 'OMSPool', resumeEpoch));
  }

  get session(): RawSession {
    return this.#session;
  }

  async subscribe(subscriptionId: number, name: string): Promise<void> {
    const credit = { creditMessages: 2 ** 32 - 1, creditBytes: 2 ** 32 - 1 };
    const value = { subscriptionId, name, pattern: 'platform.oms.*', startAt: StartAt.TIME, ...credit };
    this.#session.send({ case: 'subscribe', value });
    await this.#session.next('subscribed');
  }

  acknowledge(subscriptionId: number, positions: readonly bigint[]): void {
    this.#session.send({ case: 'acknowledge', value: { subscriptionId, positions: [...positions] } });
  }

  /** The next deliveries of all subscriptions, as many as that. */
  async take(count: number): Promise<Delivery[]> {
    const deliveries: Delivery[] = [];
    while (deliveries.length < count) deliveries.push(await this.#session.next('delivery'));
    return deliveries;
  }
}

async function publishAll(address: string, count: number): Promise<void> {
  const publisher = await RawSession.open(address, 'oms-9', 'OMSPool');
  for (let sequence = 1n; sequence <= BigInt(count); sequence += 1n) {
    const envelope = { meta: { topic: 'platform.oms.fills' } };
    publisher.send({ case: 'publish', value: { sequence, settledBelow: sequence, envelope } });
    expect(await publisher.next('publishResult')).toMatchObject({ accepted: true });
  }
  publisher.close();
}

const stores = [
  ['memory', () => 'memory'],
  ['sqlite', () => `${writeTemporary('beside', '')}.sqlite`],
] as const;

test.each(stores)(
  'store %s: no credit gets more than the limit delivered and not acknowledged',
  async (_name, store) => {
    const { address } = await startBus(undefined, store(), '--lease', '1h');
    await publishAll(address, limit + surplus);
    const reader = await GreedyReader.open(address);
    await reader.subscribe(1, 'first');
    const first = await reader.take(limit);
    // What the first would get too much comes with what the second gets, or before it.
    await reader.subscribe(2, 'second');
    const second = await reader.take(limit);
    expect(new Set(second.map(({ subscriptionId }) => subscriptionId))).toEqual(new Set([2]));
    const position = (index: number): bigint => first[index]?.position ?? 0n;
    const next = second.slice(0, 0);

    // Positions that nobody delivered, and one that is named twice, make no room.
    reader.acknowledge(1, [1n, 2n, position(0), position(0)]);
    reader.acknowledge(1, [position(0), position(1)]);
    next.push(...(await reader.take(2)));

    const { session } = reader;
    const acknowledge = [{ name: 'first', positions: [position(2), position(3)] }];
    await session.connection.unary(
      busMethods.saveState,
      create(SaveStateRequestSchema, { ...session.owner, state: Uint8Array.of(1), acknowledge }),
    );
    next.push(...(await reader.take(2)));

    // A repeat is among those that are not acknowledged, and comes all the same.
    session.send({
      case: 'retry',
      value: { subscriptionId: 1, failed: [{ position: position(9), attempt: 1 }] },
    });
    expect(await reader.take(1)).toMatchObject([{ position: position(9), attempt: 2, maybeRedelivered: true }]);

    reader.acknowledge(1, [position(9)]);
    next.push(...(await reader.take(1)));
    const positions = [...first, ...next].map((each) => each.position);
    expect(new Set(positions).size).toBe(limit + 5);
    expect(next.map(({ subscriptionId }) => subscriptionId)).toEqual([1, 1, 1, 1, 1]);
    session.close();

    // Neither does a new session of the same epoch get more: first what is not acknowledged.
    const again = await GreedyReader.open(address, session.owner.epoch);
    await again.subscribe(1, 'first');
    const repeats = await again.take(limit);
    expect(repeats.every(({ maybeRedelivered }) => maybeRedelivered)).toBe(true);
    again.acknowledge(1, [repeats[0]?.position ?? 0n]);
    expect(await again.take(1)).toMatchObject([{ maybeRedelivered: false }]);
    again.session.close();
  },
);
