import { aborted } from '../base/async/aborted.ts';
import { within } from '../base/async/within.ts';
import type { Log } from '../base/log/log.ts';
import { Backoff } from '../base/time/backoff.ts';
import { type Scheduler, sleep } from '../base/time/scheduler.ts';
import { messageOf } from '../base/user-facing-error.ts';
import { create } from '../contract/wire/codec/message.ts';
import { type RegisterReply, RegisterRequestSchema } from '../contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { limits } from '../contract/wire/limits.ts';
import { sidecarMethods } from '../contract/wire/methods.ts';
import type { Connection, Network } from '../transport/rpc.ts';
import { RpcError } from '../transport/status.ts';

export interface SidecarConnectionOptions {
  readonly network: Network;
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly address: string;
  readonly schemaVersion: string;
  /** Serves one registered connection; called for every new one. */
  readonly onConnected: (connection: Connection) => void;
}

/** The plugin's identity, which depends on how its sidecar was launched. */
export interface PluginIdentity {
  /** Unique in the deployment, such as `oms-1`. */
  readonly instanceId: string;
  /** The deployment that the bus belongs to. */
  readonly deploymentId: string;
  /** The pool type of the launch, such as `OMSPool`. */
  readonly role: string;
  /** The labels of the launch. */
  readonly tags: readonly string[];
  /** Patterns of the topics that the plugin may publish on and call. */
  readonly publishGrants: readonly string[];
  /** Patterns of the topics that the plugin may subscribe to and serve. */
  readonly subscribeGrants: readonly string[];
}

const attemptTimeoutMs = 5_000;
const backoff = { firstDelayMs: 50, maxDelayMs: 1_000 };

/** Thrown when the sidecar refuses to register this plugin. */
export class NotAdmittedError extends Error {
  override readonly name = 'NotAdmittedError';
}

/** Keeps one registered connection to the sidecar. It waits for the first one, and opens a new one after each loss. */
export class SidecarConnection {
  readonly #options: SidecarConnectionOptions;
  readonly #closing = new AbortController();
  readonly #waiting = new Set<() => void>();
  #connection: Connection | undefined;

  constructor(options: SidecarConnectionOptions) {
    this.#options = options;
  }

  /**
   * Waits for the sidecar and registers.
   * @throws NotAdmittedError when the sidecar refuses; RpcError UNAVAILABLE when it does not answer within `timeoutMs`.
   */
  async open(timeoutMs: number): Promise<PluginIdentity> {
    const { connection, identity } = await this.#connect(timeoutMs);
    void this.#keep(connection);
    return identity;
  }

  /** Waits for an open connection. @throws RpcError UNAVAILABLE when there is none within `timeoutMs`. */
  async ready(timeoutMs: number): Promise<Connection> {
    if (!this.#connection && !this.#closing.signal.aborted) {
      const connected = new Promise<void>((resolve) => this.#waiting.add(resolve));
      await within(this.#options.scheduler, timeoutMs, connected, this.#closing.signal);
    }
    if (!this.#connection)
      throw new RpcError('UNAVAILABLE', `there is no connection to the sidecar at ${this.#options.address}`);
    return this.#connection;
  }

  /** Opens no new connection when this one is lost. */
  keepNoLonger(): void {
    this.#closing.abort();
  }

  close(): void {
    this.keepNoLonger();
    this.#connection?.close();
  }

  async #keep(first: Connection): Promise<void> {
    let connection = first;
    while (!this.#closing.signal.aborted) {
      this.#connection = connection;
      this.#options.onConnected(connection);
      for (const resolve of this.#waiting) resolve();
      this.#waiting.clear();
      await aborted(connection.closed);
      this.#connection = undefined;
      if (this.#closing.signal.aborted) return;
      this.#options.log.warn('the connection to the sidecar is lost');
      try {
        ({ connection } = await this.#connect(Number.POSITIVE_INFINITY));
      } catch (error) {
        if (!this.#closing.signal.aborted) this.#options.log.error(`gave up on the sidecar: ${messageOf(error)}`);
        return;
      }
    }
  }

  async #connect(timeoutMs: number): Promise<{ connection: Connection; identity: PluginIdentity }> {
    const { scheduler, log, address } = this.#options;
    const deadlineMs = scheduler.nowMs() + timeoutMs;
    const retry = new Backoff(scheduler, backoff);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#connectOnce(Math.min(attemptTimeoutMs, deadlineMs - scheduler.nowMs()));
      } catch (error) {
        const delayMs = retry.nextDelayMs();
        if (error instanceof NotAdmittedError || this.#closing.signal.aborted) throw error;
        if (scheduler.nowMs() + delayMs >= deadlineMs) {
          throw new RpcError('UNAVAILABLE', `the sidecar at ${address} did not answer: ${messageOf(error)}`);
        }
        if (attempt === 1) log.info('waiting for the sidecar', { address });
        await sleep(scheduler, delayMs, this.#closing.signal);
      }
    }
  }

  async #connectOnce(timeoutMs: number): Promise<{ connection: Connection; identity: PluginIdentity }> {
    const { network, address, schemaVersion } = this.#options;
    const connection = await network.connect(address, {
      timeoutMs: Math.max(1, timeoutMs),
      maxMessageBytes: limits.messageBytes,
    });
    try {
      const request = create(RegisterRequestSchema, { schemaVersion });
      const reply = await connection.unary(sidecarMethods.register, request, { timeoutMs: attemptTimeoutMs });
      if (!reply.admitted) throw new NotAdmittedError(`the sidecar does not admit this plugin: ${reply.refusalReason}`);
      return { connection, identity: identityFrom(reply) };
    } catch (error) {
      connection.close();
      throw error;
    }
  }
}

function identityFrom(reply: RegisterReply): PluginIdentity {
  const { instanceId, deploymentId, role, tags, publishGrants, subscribeGrants } = reply;
  return { instanceId, deploymentId, role, tags, publishGrants, subscribeGrants };
}
