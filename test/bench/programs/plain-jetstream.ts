import { connect, createInbox, type NatsConnection } from '@nats-io/transport-node';
import type { NatsServers } from '../../cluster/nats-server.ts';
import { eventually } from '../../cluster/nats-server.ts';

const stream = 'plain';
const consumer = 'plain-consumer';
const inFlight = 256;
const payload = Buffer.alloc(256, 'x');

/** A stream that is used without a bus: messages stored one by one, and a consumer that acknowledges each. */
export class PlainJetStream {
  readonly #connection: NatsConnection;

  private constructor(connection: NatsConnection) {
    this.#connection = connection;
  }

  static async open({ addresses }: NatsServers): Promise<PlainJetStream> {
    const connection = await connect({ servers: [...addresses] });
    const plain = new PlainJetStream(connection);
    const streamConfig = { name: stream, subjects: ['plain.>'], storage: 'file', num_replicas: addresses.length };
    await eventually(() => plain.#ask(`STREAM.CREATE.${stream}`, streamConfig));
    const consumerConfig = { durable_name: consumer, ack_policy: 'explicit', max_ack_pending: inFlight };
    const path = `CONSUMER.CREATE.${stream}.${consumer}`;
    await eventually(() => plain.#ask(path, { stream_name: stream, config: consumerConfig }));
    return plain;
  }

  /** Stores so many messages, 256 unanswered at a time. */
  async publish(count: number): Promise<void> {
    let left = count;
    const publishOnAndOn = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const answer = (await this.#connection.request('plain.bench', payload, { timeout: 30_000 })).json<Answer>();
        if (answer.error) throw new Error(answer.error.description);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, publishOnAndOn));
  }

  /** Takes and acknowledges so many of the stored messages. */
  async consume(count: number): Promise<void> {
    const inbox = createInbox();
    const messages = this.#connection.subscribe(inbox);
    const pull = (batch: number): void =>
      this.#connection.publish(
        `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
        JSON.stringify({ batch, expires: 60e9 }),
        {
          reply: inbox,
        },
      );
    let taken = 0;
    pull(count);
    for await (const message of messages) {
      if (message.reply === undefined || message.reply === '') throw new Error('the pull ended early');
      message.respond('+ACK');
      taken += 1;
      if (taken === count) break;
    }
    await this.#connection.flush();
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #ask(operation: string, body: unknown): Promise<void> {
    const answer = await this.#connection.request(`$JS.API.${operation}`, JSON.stringify(body), { timeout: 5_000 });
    const { error } = answer.json<Answer>();
    if (error) throw new Error(error.description);
  }
}

interface Answer {
  readonly error?: { readonly description: string };
}
