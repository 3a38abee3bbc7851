import { aborted } from '../../base/async/aborted.ts';
import { within } from '../../base/async/within.ts';
import { createStreamLog } from '../../base/output/line-stream.ts';
import { realScheduler } from '../../base/time/real-scheduler.ts';
import { version } from '../../base/version.ts';
import { readBindingSources } from '../../contract/config/bus/binding-files.ts';
import { loadBusConnection } from '../../contract/config/bus/bus-connection.ts';
import { create } from '../../contract/wire/codec/message.ts';
import { lengthFault } from '../../contract/wire/field-limits/length-fault.ts';
import { CallOutcome } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import {
  CallRequestSchema,
  type PublishRequest,
  PublishRequestSchema,
} from '../../contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { callMessageId, publishId } from '../../contract/wire/message-id.ts';
import { admitsPattern, type Grant } from '../../contract/wire/topics/grants.ts';
import { traceContextOf } from '../../contract/wire/trace-context.ts';
import { Access } from '../../sidecar/access/access.ts';
import { GrantNotices } from '../../sidecar/access/grant-notices.ts';
import { BusClient } from '../../sidecar/bus-link/bus-client.ts';
import type { RequestInit } from '../../sidecar/bus-link/bus-session.ts';
import { BusCalls, type CallReport, withoutAnswer } from '../../sidecar/bus-link/calls.ts';
import { Outbox, type PublishOutcome } from '../../sidecar/bus-link/outbox.ts';
import { BusSubscriptions } from '../../sidecar/bus-link/subscriptions.ts';
import { readCredential } from '../../sidecar/lifecycle/launch-files.ts';
import { registrationFailed } from '../../sidecar/lifecycle/startup-errors.ts';
import { MemoryBudget } from '../../sidecar/memory/memory-budget.ts';
import { callEnvelope, publishEnvelope } from '../../sidecar/plugin-port/publish/envelope.ts';
import { grpcNetwork } from '../../transport/grpc/network.ts';
import { RpcError, throwFault } from '../../transport/status.ts';
import { closableScheduler } from './closable-scheduler.ts';
import {
  grantDenied,
  grantUndecided,
  overLimit,
  registrationRefused,
  type ShellIdentity,
  superseded,
  unreachable,
} from './shell-errors.ts';

export interface ShellOptions {
  readonly identity: ShellIdentity;
  /** Replaces SIDECAR_BUS_API_URL. */
  readonly bus: string | undefined;
  readonly environment: NodeJS.ProcessEnv;
  /** All that the instance asks for. */
  readonly grant: Grant;
}

const connectTimeoutMs = 5_000;
const grantTimeoutMs = 60_000;
const closeTimeoutMs = 1_000;
const renewEveryMs = 3_000;
const reconnect = { firstDelayMs: 100, maxDelayMs: 5_000 };
const outboxLimits = { messages: 1_024, bytes: 16 * 1024 * 1024, ageMs: 30_000 };
const schemaVersion = '1.0.0';

/** An instance of its own at the bus, for as long as one command runs: the bus side of a sidecar, without a plugin's port. */
export class ShellSession {
  readonly #options: ShellOptions;
  readonly #clock = closableScheduler(realScheduler);
  readonly #log = createStreamLog(process.stderr, {
    level: 'warn',
    format: 'text',
    wallTimeNs: () => realScheduler.wallTimeNs(),
  });
  readonly #access = new Access();
  readonly #notices: GrantNotices;
  readonly #outbox: Outbox;
  readonly #calls: BusCalls;
  readonly #superseded = Promise.withResolvers<never>();
  readonly subscriptions: BusSubscriptions;
  #link: BusClient | undefined;

  private constructor(options: ShellOptions) {
    this.#options = options;
    const { scheduler } = this;
    const { instanceId } = options.identity;
    const send = (message: RequestInit): boolean => this.#link?.send(message) ?? false;
    const budget = new MemoryBudget(outboxLimits.bytes, 'messages that wait for the bus');
    this.#notices = new GrantNotices({ access: this.#access, instanceId, scheduler, log: this.#log });
    this.#outbox = new Outbox({ scheduler, limits: outboxLimits, budget, send });
    this.#calls = new BusCalls({ scheduler, send });
    this.subscriptions = new BusSubscriptions({
      send,
      onMissed: (_, missed) => this.#log.warn('the bus dropped messages before these were read', { count: missed }),
    });
    this.#superseded.promise.catch(() => {});
  }

  /**
   * Runs `work` in a session, which ends with it. Undefined when `stop` aborts first; `work` watches it too.
   * @throws ErrorList of settings; UserFacingError when the bus is away or refuses; whatever `work` throws
   */
  static async run<T>(
    options: ShellOptions,
    stop: AbortSignal,
    work: (session: ShellSession) => Promise<T>,
  ): Promise<T | undefined> {
    const session = new ShellSession(options);
    const opened = session.#open().then(() => true);
    // After an interrupt nobody waits for it.
    opened.catch(() => {});
    try {
      const isOpen = await Promise.race([opened, aborted(stop), session.#superseded.promise]);
      return isOpen ? await Promise.race([work(session), session.#superseded.promise]) : undefined;
    } finally {
      await session.#close();
    }
  }

  get scheduler(): typeof realScheduler {
    return this.#clock.scheduler;
  }

  /**
   * Publishes one message and reports how it ended.
   * @throws UserFacingError `shell/arguments/over-limit`; RpcError RESOURCE_EXHAUSTED when over 16 MiB or 1,024 messages wait for answers
   */
  async publish(
    fields: Pick<PublishRequest, 'topic' | 'payload' | 'payloadType' | 'dedupKey'>,
  ): Promise<PublishOutcome> {
    const request = create(PublishRequestSchema, fields);
    checkLengths(() => throwFault(lengthFault(PublishRequestSchema, request)));
    const refusal = this.#access.publishRefusal(request.topic);
    if (refusal !== undefined) return { kind: 'refused', reason: refusal };
    const { instanceId } = this.#options.identity;
    return this.#outbox.publish((sequence) =>
      publishEnvelope(request, {
        messageId: publishId({ instanceId, epoch: this.#link?.epoch ?? 0n }, sequence),
        ...this.#stamp(),
      }),
    );
  }

  /** @throws UserFacingError `shell/arguments/over-limit` */
  async request(
    fields: { readonly topic: string; readonly payload: Uint8Array; readonly payloadType: string },
    timeoutMs: number,
  ): Promise<CallReport> {
    const request = create(CallRequestSchema, fields);
    checkLengths(() => throwFault(lengthFault(CallRequestSchema, request)));
    const refusal = this.#access.publishRefusal(request.topic);
    if (refusal !== undefined) return withoutAnswer(CallOutcome.REFUSED, refusal);
    const { instanceId } = this.#options.identity;
    return this.#calls.call(
      (callId) =>
        callEnvelope(request, {
          messageId: callMessageId({ instanceId, epoch: this.#link?.epoch ?? 0n }, callId),
          ...this.#stamp(),
        }),
      timeoutMs,
    );
  }

  #stamp() {
    const { scheduler } = this;
    return {
      instanceId: this.#options.identity.instanceId,
      schemaVersion,
      nowNs: scheduler.wallTimeNs(),
      trace: traceContextOf({ traceparent: '', tracestate: '' }, scheduler.random),
    };
  }

  async #open(): Promise<void> {
    const link = await this.#createLink();
    this.#link = link;
    const parts = [this.#access, this.#notices, this.#outbox, this.#calls, this.subscriptions];
    for (const part of parts) link.attach(part);
    const { identity } = this.#options;
    const isSuperseded = (): void => this.#superseded.reject(superseded(identity.instanceId));
    link.attach({
      onSuperseded: isSuperseded,
      onEvent: (event) => {
        if (event.case === 'superseded') isSuperseded();
      },
    });
    await this.#register(link);
    await this.#awaitGrant();
    await link.activate();
  }

  async #createLink(): Promise<BusClient> {
    const { environment, bus, identity, grant } = this.#options;
    const own = { ...environment, ...(bus !== undefined && { SIDECAR_BUS_API_URL: bus }) };
    const config = loadBusConnection(own, await readBindingSources(environment));
    const { scheduler } = this;
    return new BusClient({
      network: grpcNetwork,
      scheduler,
      log: this.#log,
      addresses: config.busApiUrl.places.map(({ address }) => address),
      proxy: config.busProxy,
      readCredential: () => readCredential(config),
      registration: {
        ...identity,
        requestedGrants: [grant],
        tags: [],
        image: '',
        version,
        startedAtNs: scheduler.wallTimeNs(),
      },
      renewEveryMs,
      reconnect,
    });
  }

  async #register(link: BusClient): Promise<void> {
    try {
      await link.connect(connectTimeoutMs);
    } catch (error) {
      throw unreachable(link.address, RpcError.from(error));
    }
    try {
      await link.register(connectTimeoutMs);
    } catch (error) {
      const failure = RpcError.from(error);
      const isRefused = failure.code === 'PERMISSION_DENIED' || failure.code === 'INVALID_ARGUMENT';
      if (isRefused) throw registrationRefused(this.#options.identity, failure);
      const isAway = failure.code === 'UNAVAILABLE' || failure.code === 'DEADLINE_EXCEEDED';
      throw isAway ? unreachable(link.address, failure) : registrationFailed(link.address, failure);
    }
  }

  async #awaitGrant(): Promise<void> {
    const { identity, grant } = this.#options;
    const isDecided = await within(this.scheduler, grantTimeoutMs, this.#access.decided());
    if (!isDecided) throw grantUndecided(identity, grant, grantTimeoutMs);
    if (admitsPattern(this.#access.granted, grant.action, grant.pattern)) return;
    throw grantDenied(identity, grant, this.#access.withheld[0]);
  }

  /** Leaves the bus, which then knows nothing more of this instance than its id and, for a short time, its cursors. */
  async #close(): Promise<void> {
    const link = this.#link;
    this.#notices.close();
    if (link && link.epoch > 0n) {
      await within(realScheduler, closeTimeoutMs, this.subscriptions.requeue());
      await link.deregister(closeTimeoutMs).catch(() => {});
    }
    link?.close();
    this.#clock.close();
  }
}

function checkLengths(check: () => void): void {
  try {
    check();
  } catch (error) {
    throw overLimit(RpcError.from(error));
  }
}
