import { create } from '@bufbuild/protobuf';
import {
  ConsumeRequestSchema,
  PublishBatchSchema,
  PublishOutcome,
  StartAt,
} from '../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import {
  HeartbeatRequestSchema,
  PublishRequestSchema,
  RegisterRequestSchema,
} from '../../src/contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { pluginMethods, sidecarMethods } from '../../src/contract/wire/methods.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import type { Connection } from '../../src/transport/rpc.ts';

const topic = 'platform.oms.bench';
const payload = Buffer.alloc(256, 'x');
const publishes = create(PublishRequestSchema, { topic, payload });

/** A plugin that does nothing but what is measured: one connection, registered, and the calls as they are on the wire. */
export class BarePlugin {
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  static async connect(address: string): Promise<BarePlugin> {
    const connection = await grpcNetwork.connect(address, { timeoutMs: 5_000, maxMessageBytes: 4 * 1024 * 1024 });
    await connection.unary(sidecarMethods.register, create(RegisterRequestSchema, { schemaVersion: '1.0.0' }));
    return new BarePlugin(connection);
  }

  close(): void {
    this.#connection.close();
  }

  /** A call that the sidecar answers by itself. */
  async heartbeat(): Promise<void> {
    await this.#connection.unary(sidecarMethods.heartbeat, create(HeartbeatRequestSchema, { healthy: true }));
  }

  async publish(): Promise<void> {
    const { accepted, refusalReason } = await this.#connection.unary(sidecarMethods.publish, publishes);
    if (!accepted) throw new Error(`refused: ${refusalReason}`);
  }

  /** Publishes one call each, so many at a time. */
  async publishUnary(messages: number, inFlight: number): Promise<void> {
    let left = messages;
    const publishOnAndOn = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await this.publish();
      }
    };
    await Promise.all(Array.from({ length: inFlight }, publishOnAndOn));
  }

  /** Publishes on one stream, so many in a batch and so many unanswered at a time. */
  async publishStreamed(messages: number, { batch, inFlight }: { batch: number; inFlight: number }): Promise<void> {
    const stream = this.#connection.stream(pluginMethods.publish);
    let sent = 0;
    let answered = 0;
    const fill = (): void => {
      while (sent < messages && sent - answered + batch <= inFlight) {
        const items = Array.from({ length: Math.min(batch, messages - sent) }, (_, index) => ({
          clientSequence: BigInt(sent + index + 1),
          request: publishes,
        }));
        sent += items.length;
        stream.write(create(PublishBatchSchema, { items }));
      }
      if (sent === messages) stream.end();
    };
    fill();
    for await (const { results } of stream) {
      for (const { outcome, refusalReason } of results) {
        if (outcome !== PublishOutcome.ACCEPTED) throw new Error(`not accepted: ${refusalReason}`);
      }
      answered += results.length;
      if (sent < messages) fill();
    }
  }

  /** Opens an acknowledged subscription that acknowledges at once, and counts. */
  async subscribe(name: string): Promise<Subscriber> {
    const stream = this.#connection.stream(pluginMethods.consume);
    const credit = { messages: 256, bytes: 4 * 1024 * 1024 };
    const open = { name, pattern: topic, startAt: StartAt.NEW, credit };
    stream.write(create(ConsumeRequestSchema, { message: { case: 'open', value: open } }));
    const events = stream[Symbol.asyncIterator]();
    const first = await events.next();
    if (first.done || first.value.event.case !== 'opened') throw new Error('the subscription was not opened');
    return {
      async take(count) {
        for (let taken = 0; taken < count; ) {
          const next = await events.next();
          if (next.done) throw new Error('the subscription ended');
          const { event } = next.value;
          if (event.case !== 'message') continue;
          taken += 1;
          const { position, creditBytes } = event.value;
          const acknowledge = { positions: [position] };
          stream.write(create(ConsumeRequestSchema, { message: { case: 'acknowledge', value: acknowledge } }));
          const more = { messages: 1, bytes: creditBytes };
          stream.write(create(ConsumeRequestSchema, { message: { case: 'credit', value: more } }));
        }
      },
    };
  }
}

export interface Subscriber {
  /** Resolves when so many more messages have come and been acknowledged. */
  take(count: number): Promise<void>;
}
