import { Wakeup } from '../../../base/async/wakeup.ts';
import { create } from '../../../contract/wire/codec/message.ts';
import type { Delivery as BusDelivery } from '../../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { type Delivery, DeliverySchema } from '../../../contract/wire/gen/meridian/v1/sidecar_pb.ts';
import type { RpcStream } from '../../../transport/rpc.ts';
import type { MemoryBudget } from '../../memory/memory-budget.ts';
import { StreamHold } from '../../memory/stream-hold.ts';
import { streamLimits } from '../stream-limits.ts';

/** The memory that a waiting message takes beside its encoded bytes. */
const messageOverheadBytes = 1_024;

export interface V1StreamOptions {
  readonly stream: Pick<RpcStream<never, Delivery>, 'write' | 'queuedBytes' | 'drained'>;
  /** The most bytes that may wait for the plugin to read; a message that does not fit is dropped. */
  readonly bufferBytes: number;
  /** Bounds the bytes in all streams of the plugin together. */
  readonly budget: MemoryBudget;
  /** The message was written to the stream or dropped, so this stream has settled it. */
  readonly onDone: (delivery: BusDelivery, outcome: 'handedOver' | 'dropped') => void;
}

/** One v1 stream and its waiting messages, bounded in bytes. */
export class V1Stream {
  readonly #options: V1StreamOptions;
  readonly #hold: StreamHold;
  readonly #waiting = new Map<bigint, BusDelivery>();
  readonly #wakeup = new Wakeup();
  #waitingBytes = 0;
  #draining = false;
  #ended = false;
  #failure: Error | undefined;

  constructor(options: V1StreamOptions) {
    this.#options = options;
    this.#hold = new StreamHold(options.budget, options.stream);
  }

  /** All bytes of this stream, including those in the transport. */
  get heldBytes(): number {
    return this.#waitingBytes + this.#options.stream.queuedBytes;
  }

  holds(position: bigint): boolean {
    return this.#waiting.has(position);
  }

  /** Buffers the message for the plugin, or drops it when it does not fit. It always fits while no other waits. */
  take(delivery: BusDelivery): void {
    const { bufferBytes, budget, onDone } = this.#options;
    const isFull = this.heldBytes > 0 && this.heldBytes + costOf(delivery) > bufferBytes;
    if (isFull || !budget.fits(costOf(delivery))) {
      onDone(delivery, 'dropped');
      return;
    }
    this.#waiting.set(delivery.position, delivery);
    this.#waitingBytes += costOf(delivery);
    this.#hold.arrived(costOf(delivery));
    this.#wakeup.notify();
  }

  /** Forgets the waiting messages, which are not lost. */
  forget(): void {
    this.#waiting.clear();
    this.#hold.dropped(this.#waitingBytes);
    this.#waitingBytes = 0;
  }

  end(): void {
    this.#ended = true;
    this.#wakeup.notify();
  }

  fail(failure: Error): void {
    this.#failure ??= failure;
    this.#wakeup.notify();
  }

  /** Writes messages until the stream ends. @throws its failure */
  async run(): Promise<void> {
    try {
      for (;;) {
        if (this.#failure) throw this.#failure;
        if (this.#ended) return;
        const [next] = this.#hasCapacity() ? this.#waiting.values() : [];
        if (next) this.#handOver(next);
        else await this.#wakeup.wait();
      }
    } finally {
      this.#hold.close();
    }
  }

  #handOver(delivery: BusDelivery): void {
    const { stream, onDone } = this.#options;
    this.#waiting.delete(delivery.position);
    this.#waitingBytes -= costOf(delivery);
    const { envelope } = delivery;
    if (envelope) stream.write(create(DeliverySchema, { envelope }));
    this.#hold.written(costOf(delivery));
    onDone(delivery, 'handedOver');
  }

  #hasCapacity(): boolean {
    const { stream } = this.#options;
    if (stream.queuedBytes <= streamLimits.unreadBytes) return true;
    if (!this.#draining) {
      this.#draining = true;
      void stream.drained(streamLimits.unreadBytes / 2).then(() => {
        this.#draining = false;
        this.#wakeup.notify();
      });
    }
    return false;
  }
}

function costOf({ creditBytes }: BusDelivery): number {
  return creditBytes + messageOverheadBytes;
}
