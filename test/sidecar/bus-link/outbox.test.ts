import { describe, expect, test } from 'vitest';
import { create, type MessageInitShape } from '../../../src/contract/wire/codec/message.ts';
import { PublishResultSchema } from '../../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { EnvelopeSchema } from '../../../src/contract/wire/gen/meridian/v1/envelope_pb.ts';
import { Outbox, type PublishOutcome } from '../../../src/sidecar/bus-link/outbox.ts';
import { MemoryBudget } from '../../../src/sidecar/memory/memory-budget.ts';
import { VirtualScheduler } from '../../../src/simulation/virtual-scheduler.ts';

const roomy = { messages: 10, bytes: 1_000, ageMs: 1_000 };

function outboxOf(limits = roomy, budget = new MemoryBudget(10_000, 'publishes')): Outbox {
  return new Outbox({ scheduler: new VirtualScheduler(1), limits, budget, send: () => true });
}

function publish(outbox: Outbox, bytes = 1): Promise<PublishOutcome> {
  return outbox.publish(() => create(EnvelopeSchema, { payload: new Uint8Array(bytes) }));
}

function answer(outbox: Outbox, result: MessageInitShape<typeof PublishResultSchema>): void {
  outbox.onEvent({ case: 'publishResult', value: create(PublishResultSchema, result) });
}

describe('a publish that the bus refuses', () => {
  const refusal = { sequence: 1n, refusalReason: 'over the quota' };

  test('is refused when it was sent once', async () => {
    const outbox = outboxOf();
    const outcome = publish(outbox);
    answer(outbox, refusal);
    expect(await outcome).toEqual({ kind: 'refused', reason: 'over the quota' });
  });

  test('is in doubt when it was sent on an earlier session too, which may have stored it', async () => {
    const outbox = outboxOf();
    const outcome = publish(outbox);
    outbox.onSessionOpen();
    answer(outbox, refusal);
    expect(await outcome).toEqual({
      kind: 'unknown',
      reason: 'outcome unknown: sent again, and then refused: over the quota',
    });
  });
});

// The tag and length of a payload of 30 bytes take 2 more.
test.each([
  ['messages', { ...roomy, messages: 3 }, 3],
  ['bytes', { ...roomy, bytes: 96 }, 96],
])('takes as many %s as its limit says and refuses one more, naming the limit', (what, limits, limit) => {
  const outbox = outboxOf(limits);
  for (let index = 0; index < 3; index += 1) void publish(outbox, 30);
  expect(outbox.size).toBe(3);
  expect(() => publish(outbox, 30)).toThrow(`the outbox is full: ${limit} ${what} wait for the bus`);
});

test('each publish without an answer ends at its own age, an answered one between them or not', async () => {
  const scheduler = new VirtualScheduler(1);
  const budget = new MemoryBudget(10_000, 'publishes');
  const outbox = new Outbox({ scheduler, limits: roomy, budget, send: () => false });
  const endedMs: [number, number][] = [];
  const publishOne = (number: number): void => {
    void publish(outbox).then(({ kind }) => kind === 'refused' && endedMs.push([number, scheduler.nowMs()]));
  };
  const startedMs = scheduler.nowMs();
  publishOne(1);
  await scheduler.advance(300);
  publishOne(2);
  publishOne(3);
  await scheduler.advance(300);
  publishOne(4);
  answer(outbox, { sequence: 2n, accepted: true });
  await scheduler.advance(2_000);
  publishOne(5);
  await scheduler.advance(2_000);
  expect(endedMs.map(([number, atMs]) => [number, atMs - startedMs])).toEqual([
    [1, 1_000],
    [3, 1_300],
    [4, 1_600],
    [5, 3_600],
  ]);
  expect(outbox.size).toBe(0);
});
