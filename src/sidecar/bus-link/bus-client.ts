import type { Log } from '../../base/log/log.ts';
import { Backoff, type BackoffOptions } from '../../base/time/backoff.ts';
import { type Scheduler, sleep } from '../../base/time/scheduler.ts';
import { messageOf } from '../../base/user-facing-error.ts';
import { create } from '../../contract/wire/codec/message.ts';
import { ActivateRequestSchema, DeregisterRequestSchema } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { limits } from '../../contract/wire/limits.ts';
import { busMethods } from '../../contract/wire/methods.ts';
import type { CallOptions, Connection, Network, ProxyServer, UnaryMethod } from '../../transport/rpc.ts';
import { RpcError } from '../../transport/status.ts';
import { activate } from './activation.ts';
import { attemptTimeoutMs, ownedByNewer, tryUntilAnswered } from './attempts.ts';
import { BusCredential, type Credential, connectOptionsOf } from './bus-credential.ts';
import { BusPlaces } from './bus-places.ts';
import { BusSession, type RequestInit } from './bus-session.ts';
import { active, type BusStage, connected, disconnected, reserved } from './bus-stage.ts';
import { type RegistrationFacts, registerRequest } from './register-request.ts';
import { type SessionListener, standingBy } from './session-listener.ts';

export interface BusClientOptions {
  readonly network: Network;
  readonly scheduler: Scheduler;
  readonly log: Log;
  /** Where the bus listens, each as `host:port`: the processes of one deployment. At least one. */
  readonly addresses: readonly string[];
  /** Undefined: a direct connection. */
  readonly proxy?: ProxyServer | undefined;
  /** Read again before every connection, since it may rotate. */
  readonly readCredential: () => Promise<Credential>;
  readonly registration: RegistrationFacts;
  readonly renewEveryMs: number;
  readonly reconnect: BackoffOptions;
}

/**
 * Keeps one session with the bus. It connects and registers, and after a loss does both again under the same epoch, so that the
 * bus recognises repeated publishes.
 */
export class BusClient {
  readonly #options: BusClientOptions;
  readonly #parts: SessionListener[] = [];
  readonly #closing = new AbortController();
  readonly #credential: BusCredential;
  readonly #places: BusPlaces;
  #stage: BusStage = disconnected;
  #epoch = 0n;
  /** Each session is to be activated, from the first request to activate on. */
  #wantsOwnership = false;
  #isStandingBy = false;
  #deploymentId = '';

  constructor(options: BusClientOptions) {
    this.#options = options;
    const { readCredential: read, addresses, scheduler, log } = options;
    this.#places = new BusPlaces(addresses, scheduler);
    this.#credential = new BusCredential({
      read,
      addresses,
      scheduler,
      log,
      onRenewalDue: () =>
        this.#stage.session?.close(
          new RpcError('CANCELLED', 'the certificate of this sidecar is about to end, and a newer one is there'),
        ),
    });
  }

  /** `host:port` of the bus: of the process that is used, or tried next. */
  get address(): string {
    return this.#places.address;
  }

  get epoch(): bigint {
    return this.#epoch;
  }

  get deploymentId(): string {
    return this.#deploymentId;
  }

  get isUp(): boolean {
    return this.#stage.name === 'active';
  }

  /** True while a newer sidecar owns the instance id. Until that one ends, this sidecar has no session. */
  get isStandingBy(): boolean {
    return this.#isStandingBy;
  }

  /** On the scheduler's monotonic clock; undefined without a session. */
  get leaseEndsMs(): number | undefined {
    return this.#stage.session?.leaseEndsMs;
  }

  attach(part: SessionListener): void {
    this.#parts.push(part);
  }

  /** Tries until the bus answers. @throws RpcError with the last failure once `timeoutMs` have passed. */
  async connect(timeoutMs: number): Promise<void> {
    await this.#untilAnswered(timeoutMs, async (leftMs) => {
      this.#stage = connected(await this.#connectOnce(leftMs));
    });
  }

  /**
   * Reserves the instance id and opens the session, which is kept until this client is closed. A bus that becomes unreachable
   * meanwhile is tried again, like one that has not started yet.
   * @throws RpcError with the bus's decision, or the last failure after `timeoutMs`.
   */
  async register(timeoutMs: number): Promise<void> {
    await this.#untilAnswered(timeoutMs, async (leftMs) => {
      if (this.#stage.connection?.closed.aborted) this.#stage = connected(await this.#connectOnce(leftMs));
      await this.#open().catch((error: unknown) => {
        this.#moveOn();
        throw error;
      });
    });
    void this.#keep();
  }

  /**
   * Takes over the instance id, in this session and in each later one; messages flow once that is done.
   * @throws RpcError when the first attempt fails; later attempts continue for as long as this client is open.
   */
  async activate(): Promise<void> {
    this.#wantsOwnership = true;
    const { session } = this.#stage;
    if (!session) throw new RpcError('UNAVAILABLE', 'there is no session with the bus');
    await this.#activate(session);
  }

  /** A call of the control plane. @throws RpcError; UNAVAILABLE without a connection. */
  async unary<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    options?: CallOptions,
  ): Promise<Response> {
    const { connection } = this.#stage;
    if (!connection) {
      throw new RpcError('UNAVAILABLE', this.#isStandingBy ? standingBy : 'there is no connection to the bus');
    }
    return connection.unary(method, request, { timeoutMs: attemptTimeoutMs, ...options });
  }

  /** Sends on the session; false without an activated session. */
  send(message: RequestInit): boolean {
    if (this.#stage.name !== 'active') return false;
    this.#stage.session.send(message);
    return true;
  }

  /** Releases the instance id for good. @throws RpcError */
  async deregister(timeoutMs: number): Promise<void> {
    const request = create(DeregisterRequestSchema, { ...this.#owner, reason: 'stopping' });
    await this.unary(busMethods.deregister, request, { timeoutMs });
  }

  /** Releases the instance id to a newer sidecar and asks for it again. The bus grants it only once that one has ended. */
  async standBy(timeoutMs: number): Promise<void> {
    const request = create(DeregisterRequestSchema, { ...this.#owner, reason: 'superseded' });
    await this.unary(busMethods.deregister, request, { timeoutMs }).catch(() => {});
    this.#standsBy();
    this.#stage.session?.close(new RpcError('CANCELLED', standingBy));
  }

  close(): void {
    this.#closing.abort();
    this.#credential.close();
    this.#stage.close();
  }

  get #owner(): { instanceId: string; epoch: bigint } {
    return { instanceId: this.#options.registration.instanceId, epoch: this.#epoch };
  }

  #untilAnswered(timeoutMs: number, attempt: (leftMs: number) => Promise<void>): Promise<void> {
    const { scheduler, log, addresses, reconnect: backoff } = this.#options;
    const address = addresses.join(',');
    return tryUntilAnswered({ scheduler, log, address, backoff, timeoutMs, closing: this.#closing.signal, attempt });
  }

  async #connectOnce(timeoutMs: number): Promise<Connection> {
    const { network, proxy } = this.#options;
    const credential = await this.#credential.forConnection();
    const options = { maxMessageBytes: limits.messageBytes, proxy, ...connectOptionsOf(credential) };
    return this.#places.connect(timeoutMs, (address, shareMs) =>
      network.connect(address, { timeoutMs: shareMs, ...options }),
    );
  }

  async #open(): Promise<void> {
    const { registration, renewEveryMs, scheduler } = this.#options;
    const reply = await this.unary(busMethods.register, registerRequest(registration, this.#epoch));
    const { connection } = this.#stage;
    if (!connection) throw new RpcError('UNAVAILABLE', 'the connection to the bus was lost');
    this.#epoch = reply.epoch;
    this.#deploymentId = reply.deploymentId;
    const session = new BusSession({
      connection,
      scheduler,
      owner: this.#owner,
      renewEveryMs,
      leaseMs: reply.leaseMs,
      onEvent: (event) => {
        for (const part of this.#parts) part.onEvent?.(event);
      },
    });
    this.#stage = reserved(connection, session);
    if (this.#wantsOwnership) this.#activate(session).catch(() => {});
  }

  /** Runs the session. Whenever it is lost, opens a new one, until this client is closed. */
  async #keep(): Promise<void> {
    const { scheduler, log, reconnect } = this.#options;
    const backoff = new Backoff(scheduler, reconnect);
    let reason = '';
    while (!this.#closing.signal.aborted) {
      const lastReason = reason;
      try {
        if (!this.#stage.session) {
          this.#stage = connected(await this.#connectOnce(attemptTimeoutMs));
          await this.#open();
        }
        await this.#stage.session?.run();
        reason = 'the bus ended the session';
      } catch (error) {
        reason = messageOf(error);
        if (RpcError.from(error).code === ownedByNewer) {
          for (const part of this.#parts) part.onSuperseded?.();
          this.#standsBy();
        }
      }
      // A session that is lost at once, again and again, must not be reopened without a delay.
      const stage = this.#stage;
      if (stage.name === 'active' && scheduler.nowMs() - stage.sinceMs >= reconnect.maxDelayMs) backoff.reset();
      this.#lost(reason);
      if (this.#closing.signal.aborted) return;
      const delayMs = backoff.nextDelayMs();
      // While the newer sidecar lives, the bus refuses a standing-by one with the same reason each time.
      log[reason === lastReason ? 'debug' : 'info']('connecting to the bus again', {
        inMs: Math.round(delayMs),
        reason,
      });
      await sleep(scheduler, delayMs, this.#closing.signal);
    }
  }

  #activate(session: BusSession): Promise<void> {
    const { scheduler, log, reconnect: backoff } = this.#options;
    return activate({ scheduler, log, backoff, attempt: () => this.#activateOnce(session), over: session.over });
  }

  async #activateOnce(session: BusSession): Promise<void> {
    const request = create(ActivateRequestSchema, this.#owner);
    const { draining } = await this.unary(busMethods.activate, request).catch((error: unknown) => {
      // The bus does not know this registration any more, so only a new one can be activated.
      if (RpcError.from(error).code === 'FAILED_PRECONDITION') session.close();
      throw error;
    });
    if (this.#stage.name !== 'reserved' || this.#stage.session !== session) return;
    this.#stage = active(this.#stage, this.#options.scheduler.nowMs());
    this.#isStandingBy = false;
    for (const part of this.#parts) part.onSessionOpen?.(draining);
  }

  /** The next attempt goes to another process of the bus, if there is one: this one may drain, or not reach its store. */
  #moveOn(): void {
    if (this.#places.isOnlyOne) return;
    this.#places.leave();
    this.#stage.connection?.close();
  }

  #standsBy(): void {
    if (this.#isStandingBy) return;
    this.#isStandingBy = true;
    for (const part of this.#parts) part.onStandBy?.();
  }

  #lost(reason: string): void {
    const stage = this.#stage;
    if (stage.name !== 'disconnected') this.#moveOn();
    stage.close();
    this.#stage = disconnected;
    if (stage.name !== 'active') return;
    if (!this.#closing.signal.aborted) this.#options.log.warn('the session with the bus is lost', { reason });
    for (const part of this.#parts) part.onSessionLost?.(reason);
  }
}
