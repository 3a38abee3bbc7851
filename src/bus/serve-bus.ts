import { within } from '../base/async/within.ts';
import { ratedLog } from '../base/log/rated-log.ts';
import { messageOf } from '../base/user-facing-error.ts';
import { create } from '../contract/wire/codec/message.ts';
import {
  ActivateReplySchema,
  DeregisterReplySchema,
  LoadStateReplySchema,
  RegisterReplySchema,
  SaveStateReplySchema,
} from '../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { limits } from '../contract/wire/limits.ts';
import { busMethods } from '../contract/wire/methods.ts';
import { busProtocolVersion } from '../contract/wire/protocol-version.ts';
import { type Network, type Route, serveStream, serveUnary, type TlsFiles } from '../transport/rpc.ts';
import { adminOf, type RequireAdmin } from './access/admin.ts';
import { type Identify, KnownCallers } from './access/known-callers.ts';
import type { Policy } from './access/policy.ts';
import { anonymous, principalOf } from './access/principal.ts';
import { Bus, type BusOptions } from './bus.ts';
import { connectionLimits } from './connection-limits.ts';
import { drainSessions, stopping } from './drain-sessions.ts';
import { grantRoutes } from './grants/grant-service.ts';
import { healthRoutes } from './health-service.ts';
import { overviewRoutes } from './overview/overview-service.ts';
import { instanceRoutes } from './ownership/instance-service.ts';
import { deadLetterRoutes } from './session/dead-letter-service.ts';
import { subscriptionRoutes } from './session/subscription-service.ts';
import { idleExpiryFrom } from './store/idle-expiry.ts';

export interface ServeBusOptions extends BusOptions {
  readonly network: Network;
  /** `host:port`; port 0 binds a free one. */
  readonly address: string;
  /** With a CA a credential is mandatory: a client certificate, or a bearer token of the policy. */
  readonly tls?: TlsFiles;
}

export interface RunningBus {
  /** The address that was really bound. */
  readonly address: string;
  /** For what looks at it from the same process. */
  readonly bus: Bus;
  readonly requireAdmin: RequireAdmin;
  /** Sets the certificate and CA of new connections. @throws RpcError INVALID_ARGUMENT if they cannot be used. */
  renewTls(tls: TlsFiles): void;
  /** Evaluates grants by a new policy, also those of open registrations. */
  replacePolicy(policy: Policy): void;
  /** Registers nobody any more, and sends the sidecars elsewhere, spread over at most this time. Absent: two seconds. */
  drain(spreadMsMax?: number): Promise<void>;
  close(): void;
}

/** Serves the Bus API until closed. @throws RpcError if the address cannot be bound. */
export async function serveBus(options: ServeBusOptions): Promise<RunningBus> {
  const { scheduler, tls } = options;
  // Callers cause log lines, and must not fill the log's disk.
  const log = ratedLog(options.log, { scheduler });
  const refusals = ratedLog(options.log, { scheduler, lines: 1 });
  const bus = new Bus({ ...options, log }, await options.store.decisions());
  const onRefused = (refusal: { readonly address: string; readonly reason: string }): void => {
    options.telemetry?.refused('client', { who: refusal.address, reason: refusal.reason });
    refusals.warn('refused a client', { ...refusal });
  };
  const identify: Identify = ({ peer, metadata }) => {
    const { tokens = new Map<string, string>() } = bus.grants.policy;
    try {
      return { ...peer, principal: principalOf({ peer, metadata }, { tokens, required: tls?.ca !== undefined }) };
    } catch (error) {
      onRefused({ address: peer.address, reason: messageOf(error) });
      throw error;
    }
  };
  const requireAdmin: RequireAdmin = (call) => adminOf(bus.grants.policy, identify(call));
  // What administrators look at and change is told, however often.
  const forAdmins = { store: options.store, log: options.log, requireAdmin };
  const callers = new KnownCallers(identify);
  const draining = new AbortController();
  const listening = options.network.listen(options.address, {
    routes: [
      ...busRoutes({
        bus,
        identify,
        callers,
        isDraining: () => draining.signal.aborted,
        onNotRegistered: (who, error) => options.telemetry?.refused('registration', { who, reason: messageOf(error) }),
      }),
      ...healthRoutes(draining.signal),
      ...grantRoutes({ desk: bus.grants, requireAdmin }),
      ...instanceRoutes({ ...forAdmins, registry: bus.registry, nowMs: () => scheduler.nowMs() }),
      ...deadLetterRoutes(forAdmins),
      ...overviewRoutes({
        ...forAdmins,
        registry: bus.registry,
        policy: () => bus.grants.policy,
        isUsed: (key) => bus.isUsed(key),
        nowMs: () => scheduler.nowMs(),
      }),
      ...subscriptionRoutes({
        ...forAdmins,
        idleExpiry: idleExpiryFrom(options),
        isUsed: (key) => bus.isUsed(key),
      }),
    ],
    maxMessageBytes: limits.messageBytes,
    connectionLimits,
    authorize: (call) => identify(call).principal ?? anonymous,
    ...(tls && { tls }),
    onRefused,
  });
  // Without a listener, timers must not keep the bus running.
  const close = (): void => {
    bus.close();
    for (const rated of [log, refusals]) rated.close();
  };
  listening.catch(close);
  const listener = await listening;
  return {
    address: listener.address,
    bus,
    requireAdmin,
    renewTls: (renewed) => listener.renewTls(renewed),
    replacePolicy(policy) {
      bus.replacePolicy(policy);
      callers.check();
    },
    async drain(spreadMsMax) {
      draining.abort();
      await drainSessions(bus.registry.all(), scheduler, spreadMsMax);
      await within(scheduler, lastAnswersMs, listener.drain());
    },
    close() {
      close();
      listener.close();
    },
  };
}

/** For a bus that drained: until what it has told its callers is written. */
const lastAnswersMs = 500;

interface BusRoutesOptions {
  readonly bus: Bus;
  readonly identify: Identify;
  readonly callers: KnownCallers;
  readonly isDraining: () => boolean;
  readonly onNotRegistered: (instanceId: string, error: unknown) => void;
}

function busRoutes({ bus, identify, callers, isDraining, onNotRegistered }: BusRoutesOptions): Route[] {
  return [
    serveUnary(busMethods.register, async (request, call) => {
      if (isDraining()) throw stopping;
      const { owner, leaseMs, deploymentId } = await bus.register(request, identify(call)).catch((error: unknown) => {
        onNotRegistered(request.instanceId, error);
        throw error;
      });
      return create(RegisterReplySchema, {
        protocolVersion: busProtocolVersion,
        epoch: owner.epoch,
        leaseMs,
        deploymentId,
      });
    }),
    serveStream(busMethods.session, async (stream, call) => callers.serve(call, (peer) => bus.session(stream, peer))),
    serveUnary(busMethods.activate, async (request, call) =>
      create(ActivateReplySchema, await bus.activate(request, identify(call))),
    ),
    serveUnary(busMethods.saveState, async (request, call) =>
      create(SaveStateReplySchema, { revision: await bus.saveState(request, identify(call)) }),
    ),
    serveUnary(busMethods.loadState, async (request, call) => {
      const stored = await bus.loadState(request, identify(call));
      return create(LoadStateReplySchema, stored ? { found: true, ...stored } : {});
    }),
    serveUnary(busMethods.deregister, async (request, call) => {
      await bus.deregister(request, identify(call));
      return create(DeregisterReplySchema);
    }),
  ];
}
