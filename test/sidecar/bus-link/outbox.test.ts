import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
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
