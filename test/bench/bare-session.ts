import { create, type MessageInitShape } from '../../src/contract/wire/codec/message.ts';
import {
  ActivateRequestSchema,
  type Delivery,
  RegisterRequestSchema,
  type SessionEvent,
  type SessionRequest,
  SessionRequestSchema,
} from '../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { limits } from '../../src/contract/wire/limits.ts';
import { busMethods } from '../../src/contract/wire/methods.ts';
import { busProtocolVersion } from '../../src/contract/wire/protocol-version.ts';
import { grpcNetwork } from '../../src/transport/grpc/network.ts';
import type { ClientStream, Connection } from '../../src/transport/rpc.ts';

const payload = Buffer.alloc(256, 'x');
const heartbeatMs = 3_000;
const credit = { creditMessages: 256, creditBytes: 4 * 1024 * 1024 };

/** The bus's side of a sidecar, without the sidecar: what is measured is then the work of the bus alone. */
export class BareSession {
  readonly #connection: Connection;
  readonly #stream: ClientStream<SessionEvent, SessionRequest>;
  readonly #instanceId: string;
  readonly #heart: NodeJS.Timeout;
  #published = 0n;
  #subscribed = 0;
  #settled = 0;
  #waiting: { readonly holds: () => boolean; readonly resolve: () => void } | undefined;
  #failure: Error | undefined;

  private constructor(connection: Connection, instanceId: string, epoch: bigint) {
    this.#connection = connection;
    this.#instanceId = instanceId;
    this.#stream = connection.stream(busMethods.session);
    this.#send({ case: 'open', value: { instanceId, epoch } });
    this.#heart = setInterval(() => this.#send({ case: 'heartbeat', value: { sequence: 1n } }), heartbeatMs);
    void this.#listen();
  }

  /** Registers as the owner of an instance id and opens its session. */
  static async open(address: string, instanceId: string, token?: string): Promise<BareSession> {
    const connection = await grpcNetwork.connect(address, {
      timeoutMs: 5_000,
      maxMessageBytes: limits.messageBytes,
      ...(token !== undefined && { metadata: { authorization: `Bearer ${token}` } }),
    });
    const request = { protocolVersion: busProtocolVersion, instanceId, poolType: 'OMSPool' };
    const { epoch } = await connection.unary(busMethods.register, create(RegisterRequestSchema, request));
    const session = new BareSession(connection, instanceId, epoch);
    await connection.unary(busMethods.activate, create(ActivateRequestSchema, { instanceId, epoch }));
    return session;
  }

  /** Opens subscriptions, one for each pattern. */
  async subscribe(patterns: readonly string[]): Promise<void> {
    const before = this.#subscribed;
    for (const [index, pattern] of patterns.entries()) {
      const subscriptionId = before + index + 1;
      this.#send({ case: 'subscribe', value: { subscriptionId, name: `bench-${subscriptionId}`, pattern, ...credit } });
    }
    await this.#until(() => this.#subscribed === before + patterns.length);
  }

  /** Publishes so many messages, so many of them unanswered at a time. Resolves once all are stored. */
  async publishMany(topic: string, count: number, inFlight: number): Promise<void> {
    const first = this.#settled;
    for (let sent = 0; sent < count; ) {
      for (; sent < count && sent - (this.#settled - first) < inFlight; sent += 1) this.#sendPublish(topic);
      const settled = this.#settled;
      await this.#until(() => this.#settled > settled);
    }
    await this.#until(() => this.#settled === first + count);
  }

  /** Publishes to a subscription of its own. Resolves once the message is stored and delivered, and its acknowledgement is stored. */
  async publishAndTake(topic: string): Promise<void> {
    const settled = this.#settled + 2;
    this.#sendPublish(topic);
    await this.#until(() => this.#settled === settled);
  }

  /** Resolves once the bus has stored it. */
  async publish(topic: string): Promise<void> {
    const settled = this.#settled + 1;
    this.#sendPublish(topic);
    await this.#until(() => this.#settled === settled);
  }

  #sendPublish(topic: string): void {
    this.#published += 1n;
    const meta = { messageId: `${this.#published}`, topic, publisherInstanceId: this.#instanceId };
    const value = { sequence: this.#published, settledBelow: this.#published, envelope: { meta, payload } };
    this.#send({ case: 'publish', value });
  }

  /** Resolves once so many more deliveries have come, and their acknowledgements are stored. */
  async taken(count: number): Promise<void> {
    const settled = this.#settled + count;
    await this.#until(() => this.#settled === settled);
  }

  close(): void {
    clearInterval(this.#heart);
    this.#connection.close();
  }

  async #listen(): Promise<void> {
    try {
      for await (const { event } of this.#stream) {
        if (event.case === 'subscribed') this.#subscribed += 1;
        else if (event.case === 'delivery') this.#acknowledge(event.value);
        else if (event.case === 'acknowledged') this.#settled += event.value.positions.length;
        else if (event.case === 'publishResult') {
          if (!event.value.accepted) throw new Error(`refused: ${event.value.refusalReason}`);
          this.#settled += 1;
        } else if (event.case === 'subscriptionEnded') throw new Error(event.value.detail);
        if (this.#waiting?.holds()) this.#waiting.resolve();
      }
      throw new Error('the session ended');
    } catch (error) {
      clearInterval(this.#heart);
      this.#failure = error as Error;
      this.#waiting?.resolve();
    }
  }

  #acknowledge({ subscriptionId, position, creditBytes }: Delivery): void {
    this.#send({ case: 'acknowledge', value: { subscriptionId, positions: [position] } });
    this.#send({ case: 'credit', value: { subscriptionId, messages: 1, bytes: creditBytes } });
  }

  async #until(holds: () => boolean): Promise<void> {
    if (!holds() && !this.#failure) {
      await new Promise<void>((resolve) => {
        this.#waiting = { holds, resolve };
      });
      this.#waiting = undefined;
    }
    if (this.#failure) throw this.#failure;
  }

  #send(message: NonNullable<MessageInitShape<typeof SessionRequestSchema>['message']>): void {
    this.#stream.write(create(SessionRequestSchema, { message }));
  }
}
