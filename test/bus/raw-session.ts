import { create, type MessageInitShape } from '../../src/contract/wire/codec/message.ts';
import {
  ActivateRequestSchema,
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

type Event = SessionEvent['event'];
type EventCase = NonNullable<Event['case']>;
type EventValue<Case extends EventCase> = Extract<Event, { case: Case }>['value'];

/** A session with a real bus that sends whatever it is told to, as code beside a plugin could. It never heartbeats. */
export class RawSession {
  readonly owner: { readonly instanceId: string; readonly epoch: bigint };
  readonly connection: Connection;
  readonly #stream: ClientStream<SessionEvent, SessionRequest>;
  readonly #events: AsyncIterator<SessionEvent>;

  private constructor(connection: Connection, owner: RawSession['owner']) {
    this.connection = connection;
    this.owner = owner;
    this.#stream = connection.stream(busMethods.session);
    this.#events = this.#stream[Symbol.asyncIterator]();
    this.send({ case: 'open', value: owner });
  }

  static async open(address: string, instanceId: string, poolType: string, resumeEpoch = 0n): Promise<RawSession> {
    // Twice the limit, so that it is the bus that refuses.
    const connection = await grpcNetwork.connect(address, {
      timeoutMs: 5_000,
      maxMessageBytes: 2 * limits.messageBytes,
    });
    const request = { protocolVersion: busProtocolVersion, instanceId, poolType, resumeEpoch };
    const { epoch } = await connection.unary(busMethods.register, create(RegisterRequestSchema, request));
    const session = new RawSession(connection, { instanceId, epoch });
    await connection.unary(busMethods.activate, create(ActivateRequestSchema, session.owner));
    return session;
  }

  send(message: NonNullable<MessageInitShape<typeof SessionRequestSchema>['message']>): void {
    this.#stream.write(create(SessionRequestSchema, { message }));
  }

  /** Resolves once all that was sent has left. */
  sent(): Promise<void> {
    return this.#stream.drained();
  }

  /** The next event of a kind; what comes before it is dropped. @throws RpcError when the session ends first. */
  async next<Case extends EventCase>(wanted: Case): Promise<EventValue<Case>> {
    for (;;) {
      const { done, value } = await this.#events.next();
      if (done) throw new Error('the session ended');
      if (value.event.case === wanted) return value.event.value as EventValue<Case>;
    }
  }

  /** The next event of one of these kinds; what comes before it is dropped. @throws RpcError when the session ends first. */
  async nextOf(wanted: readonly EventCase[]): Promise<SessionEvent> {
    for (;;) {
      const { done, value } = await this.#events.next();
      if (done) throw new Error('the session ended');
      if (wanted.some((each) => each === value.event.case)) return value;
    }
  }

  close(): void {
    this.connection.close();
  }
}
