import { Wakeup } from '../../src/base/async/wakeup.ts';
import { create, type MessageInitShape } from '../../src/contract/wire/codec/message.ts';
import {
  type ConsumedMessage,
  ConsumeRequestSchema,
  PublishBatchSchema,
  PublishOutcome,
  ServeRequestSchema,
  StartAt,
} from '../../src/contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import {
  CallRequestSchema,
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

  /** Calls a topic so often, so many calls unanswered at a time. */
  async callOnAndOn(called: string, calls: number, inFlight: number): Promise<void> {
    let left = calls;
    const call = create(CallRequestSchema, { topic: called, payload });
    const callOnAndOn = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const { ok, failureDetail: errorDetail } = await this.#connection.unary(sidecarMethods.call, call);
        if (!ok) throw new Error(`not answered: ${errorDetail}`);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, callOnAndOn));
  }

  /** Opens an acknowledged subscription that acknowledges at once, and counts. */
  /** Of a group without order, since all messages have one publisher and topic. */
  async subscribe(name: string, group = ''): Promise<Subscriber> {
    const stream = this.#connection.stream(pluginMethods.consume);
    const credit = { messages: 256, bytes: 4 * 1024 * 1024 };
    const open = { name, pattern: topic, startAt: StartAt.NEW, credit, group, unordered: group !== '' };
    stream.write(create(ConsumeRequestSchema, { message: { case: 'open', value: open } }));
    const events = stream[Symbol.asyncIterator]();
    const first = await events.next();
    if (first.done || first.value.event.case !== 'opened') throw new Error('the subscription was not opened');
    const acknowledgements = new Acknowledgements((message) => {
      stream.write(create(ConsumeRequestSchema, { message }));
    });
    return {
      async take(count) {
        for (let taken = 0; taken < count; ) {
          const next = await events.next();
          if (next.done) throw new Error('the subscription ended');
          const { event } = next.value;
          if (event.case !== 'message') continue;
          taken += 1;
          acknowledgements.add(event.value);
        }
      },
    };
  }

  /** Answers requests on the pattern with their own payload, until the connection is closed. */
  async answer(pattern: string): Promise<void> {
    const stream = this.#connection.stream(pluginMethods.serve);
    stream.write(create(ServeRequestSchema, { message: { case: 'open', value: { pattern } } }));
    const events = stream[Symbol.asyncIterator]();
    const first = await events.next();
    if (first.done || first.value.event.case !== 'serving') throw new Error('nobody may answer these requests');
    void (async () => {
      for (let next = await events.next(); !next.done; next = await events.next()) {
        const { event } = next.value;
        if (event.case !== 'request') continue;
        const { requestId, envelope } = event.value;
        const answer = { requestId, ok: true, payload: envelope?.payload ?? Buffer.alloc(0) };
        stream.write(create(ServeRequestSchema, { message: { case: 'answer', value: answer } }));
      }
    })().catch(() => {});
  }
}

/** Takes messages of which each comes to one of these. */
export function takenTogether(members: readonly Subscriber[]): Subscriber {
  const wakeup = new Wakeup();
  let taken = 0;
  let wanted = 0;
  const takeAll = async (member: Subscriber): Promise<never> => {
    for (;;) {
      await member.take(1);
      taken += 1;
      wakeup.notify();
    }
  };
  // They end with their connections.
  for (const member of members) takeAll(member).catch(() => {});
  return {
    async take(count) {
      wanted += count;
      while (taken < wanted) await wakeup.wait();
    },
  };
}

type ConsumeMessage = NonNullable<MessageInitShape<typeof ConsumeRequestSchema>['message']>;

/** Acknowledges together what came together, as a plugin that has much to do does. */
class Acknowledgements {
  readonly #send: (message: ConsumeMessage) => void;
  #positions: bigint[] = [];
  #creditBytes = 0;

  constructor(send: (message: ConsumeMessage) => void) {
    this.#send = send;
  }

  add({ position, creditBytes }: Pick<ConsumedMessage, 'position' | 'creditBytes'>): void {
    if (this.#positions.length === 0) setImmediate(() => this.#flush());
    this.#positions.push(position);
    this.#creditBytes += creditBytes;
  }

  #flush(): void {
    const positions = this.#positions;
    this.#send({ case: 'acknowledge', value: { positions } });
    this.#send({ case: 'credit', value: { messages: positions.length, bytes: this.#creditBytes } });
    this.#positions = [];
    this.#creditBytes = 0;
  }
}

export interface Subscriber {
  /** Resolves when so many more messages have come; all are acknowledged. */
  take(count: number): Promise<void>;
}
