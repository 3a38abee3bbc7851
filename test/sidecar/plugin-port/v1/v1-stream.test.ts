import fc from 'fast-check';
import { expect, test } from 'vitest';
import { create } from '../../../../src/contract/wire/codec/message.ts';
import { DeliverySchema as BusDeliverySchema } from '../../../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { Delivery } from '../../../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { MemoryBudget } from '../../../../src/sidecar/memory/memory-budget.ts';
import { V1Stream } from '../../../../src/sidecar/plugin-port/v1/v1-stream.ts';

const bufferBytes = 1024 * 1024;
const largestBytes = 200_000;

/** The plugin's end: takes nothing off the wire until it is told to. */
class UnreadStream {
  queuedBytes = 0;
  readonly written: Delivery[] = [];
  #drained: (() => void)[] = [];

  write(delivery: Delivery): number {
    this.written.push(delivery);
    this.queuedBytes += delivery.envelope?.payload.length ?? 0;
    return this.queuedBytes;
  }

  drained(): Promise<void> {
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  async readAll(): Promise<void> {
    this.queuedBytes = 0;
    for (const resolve of this.#drained.splice(0)) resolve();
    await new Promise(setImmediate);
  }
}

const step = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: largestBytes }) },
  { weight: 1, arbitrary: fc.constant('read' as const) },
);

test('holds no more than its buffer whatever comes, hands over the oldest in order, and accounts for every message', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
      const wire = new UnreadStream();
      const budget = new MemoryBudget(2 * bufferBytes, 'deliveries');
      const done: { position: bigint; outcome: string }[] = [];
      const stream = new V1Stream({
        stream: wire,
        bufferBytes,
        budget,
        onDone: ({ position }, outcome) => done.push({ position, outcome }),
      });
      const running = stream.run();
      let taken = 0n;
      for (const each of steps) {
        if (each === 'read') await wire.readAll();
        else {
          taken += 1n;
          const envelope = { payload: new Uint8Array(each) };
          stream.take(create(BusDeliverySchema, { position: taken, envelope, creditBytes: each }));
        }
        expect(stream.heldBytes).toBeLessThanOrEqual(bufferBytes);
        expect(budget.heldBytes).toBeGreaterThanOrEqual(stream.heldBytes);
      }
      for (let round = 0; round < 10; round += 1) await wire.readAll();
      stream.end();
      await running;
      expect(budget.heldBytes).toBe(0);
      const of = (outcome: string) => done.filter((each) => each.outcome === outcome).map(({ position }) => position);
      expect(of('handedOver').length).toBe(wire.written.length);
      expect(of('handedOver')).toEqual(of('handedOver').toSorted((a, b) => (a < b ? -1 : 1)));
      expect(new Set(done.map(({ position }) => position)).size).toBe(Number(taken));
    }),
    { numRuns: 50 },
  );
});

test('a message larger than the buffer passes a stream that holds nothing', async () => {
  const wire = new UnreadStream();
  const stream = new V1Stream({
    stream: wire,
    bufferBytes: 10,
    budget: new MemoryBudget(10, 'deliveries'),
    onDone: () => {},
  });
  const running = stream.run();
  stream.take(create(BusDeliverySchema, { position: 1n, creditBytes: 1_000, envelope: {} }));
  stream.end();
  stream.take(create(BusDeliverySchema, { position: 2n, creditBytes: 1_000, envelope: {} }));
  await running;
  expect(stream.holds(2n)).toBe(false);
});
