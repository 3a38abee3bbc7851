import { create, type MessageInitShape } from '../../src/contract/wire/codec/message.ts';
import {
  ActivateRequestSchema,
  RegisterRequestSchema,
  type SessionEvent,
  type SessionRequest,
  SessionRequestSchema,
} from '../../src/contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { limits } from '../../src/contract/wire/limits.ts';
import { publishId } from '../../src/contract/wire/message-id.ts';
import { busMethods } from '../../src/contract/wire/methods.ts';
import { busProtocolVersion } from '../../src/contract/wire/protocol-version.ts';
import type { ClientStream, Connection, Network } from '../../src/transport/rpc.ts';
import { RpcError } from '../../src/transport/status.ts';
import { busAddress, type SimulatedWorld } from '../sidecar/simulated-world.ts';

/** A sidecar that does only what it is told: it never heartbeats and never reconnects by itself. */
export class BareSidecar {
  readonly instanceId: string;
  readonly events: SessionEvent['event'][] = [];
  /** How the last session ended; undefined while it goes on. */
  sessionEnd: RpcError | undefined;
  readonly #world: SimulatedWorld;
  readonly #startedAtNs: bigint;
  readonly #network: Network;
  #connection: Connection | undefined;
  #stream: ClientStream<SessionEvent, SessionRequest> | undefined;
  #epoch = 0n;

  constructor(
    world: SimulatedWorld,
    options: { instanceId: string; startedAtNs: bigint; epoch?: bigint; network?: Network },
  ) {
    this.#world = world;
    this.#network = options.network ?? world.network;
    this.#epoch = options.epoch ?? 0n;
    this.instanceId = options.instanceId;
    this.#startedAtNs = options.startedAtNs;
  }

  get epoch(): bigint {
    return this.#epoch;
  }

  /** Connects and registers, under its last epoch if it has one. */
  async register(): Promise<void> {
    const { maxMessageBytes, timeoutMs } = { maxMessageBytes: limits.messageBytes, timeoutMs: 5_000 };
    this.#connection = await this.#network.connect(busAddress, { maxMessageBytes, timeoutMs });
    const request = create(RegisterRequestSchema, {
      protocolVersion: busProtocolVersion,
      instanceId: this.instanceId,
      poolType: 'SignalPool',
      revision: { startedAtNs: this.#startedAtNs },
      resumeEpoch: this.#epoch,
    });
    this.#epoch = (await this.#connection.unary(busMethods.register, request)).epoch;
  }

  openSession(): void {
    const stream = this.#connected.stream(busMethods.session);
    this.#stream = stream;
    this.sessionEnd = undefined;
    this.send({ case: 'open', value: { instanceId: this.instanceId, epoch: this.#epoch } });
    void (async () => {
      try {
        for await (const { event } of stream) this.events.push(event);
      } catch (error) {
        if (this.#stream === stream) this.sessionEnd = RpcError.from(error);
      }
    })();
  }

  async activate(): Promise<void> {
    const { instanceId } = this;
    await this.#connected.unary(busMethods.activate, create(ActivateRequestSchema, { instanceId, epoch: this.#epoch }));
  }

  send(message: NonNullable<MessageInitShape<typeof SessionRequestSchema>['message']>): void {
    this.#stream?.write(create(SessionRequestSchema, { message }));
  }

  messageIdOf(sequence: bigint): string {
    return publishId(this, sequence);
  }

  /** Publishes and returns why it was refused; undefined when it was accepted. */
  async publish(sequence: bigint, topic = 'demo.ticks', payload = new Uint8Array()): Promise<string | undefined> {
    const meta = { messageId: this.messageIdOf(sequence), topic, publisherInstanceId: this.instanceId };
    this.send({ case: 'publish', value: { sequence, settledBelow: 1n, envelope: { meta, payload } } });
    const answer = () =>
      this.events.find((event) => event.case === 'publishResult' && event.value.sequence === sequence);
    await this.#world.until(() => answer() !== undefined);
    const event = answer();
    return event?.case === 'publishResult' && !event.value.accepted ? event.value.refusalReason : undefined;
  }

  get #connected(): Connection {
    if (!this.#connection) throw new Error('register first');
    return this.#connection;
  }
}
