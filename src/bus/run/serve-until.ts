import type { Log } from '../../base/log/log.ts';
import { realScheduler } from '../../base/time/real-scheduler.ts';
import { messageOf, UserFacingError } from '../../base/user-facing-error.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { grpcNetwork } from '../../transport/grpc/network.ts';
import type { TlsFiles } from '../../transport/rpc.ts';
import { isOpen } from '../access/open-policy.ts';
import type { ConsoleRecorder } from '../console/console-recorder.ts';
import type { ConsoleServer } from '../console/console-server.ts';
import { type RunningBus, serveBus } from '../serve-bus.ts';
import { bothOf } from '../telemetry.ts';
import type { BusObservability } from './bus-observability.ts';
import type { BusProgramSettings } from './bus-program-settings.ts';
import type { BusStore } from './bus-store.ts';
import { openConsole } from './console-port.ts';
import { type PolicyText, watchPolicy } from './policy-file.ts';
import { watchBusTls } from './tls-files.ts';

/** What a bus is made of: the texts of its files, and the parts that are open. */
export interface BusParts {
  readonly log: Log;
  readonly policy: PolicyText;
  readonly tls: TlsFiles | undefined;
  readonly store: BusStore;
  readonly observability: BusObservability;
  /** Absent without a console. */
  readonly recorder: ConsoleRecorder | undefined;
}

/**
 * Serves the Bus API from an open store until `ended` resolves, and then closes it as `end` says.
 * @throws UserFacingError `bus/listen/address`, `bus/console/…`
 */
export async function serveUntil<T>(
  settings: BusProgramSettings,
  parts: BusParts,
  { onListening, ended, end }: Service<T>,
): Promise<T> {
  const { log, policy, store } = parts;
  const bus = await serve(settings, parts);
  const console = await openConsole(settings, parts, bus).catch((error: unknown) => {
    bus.close();
    throw error;
  });
  const watches = watchFiles(settings, parts, { bus, console });
  onListening?.(bus.address);
  if (settings.policyFile === undefined) {
    log.warn('the bus has no policy: everybody on this machine may be any instance and use every topic');
  } else if (isOpen(policy.policy)) {
    log.warn('the policy lets everybody who reaches the bus be any instance and use every topic');
  }
  // A reader of this line may send a signal at once.
  log.info('bus listens', { address: bus.address, deployment: policy.policy.deploymentId, store: store.place });
  const why = await ended;
  for (const watch of watches) if (watch) watch.cancel();
  await Promise.all([console?.close(), end(bus, why)]);
  bus.close();
  return why;
}

export interface Service<T> {
  /** Called with `host:port` before anybody is told. */
  readonly onListening?: (address: string) => void;
  readonly ended: Promise<T>;
  readonly end: (bus: RunningBus, why: T) => Promise<void>;
}

/** Resolves with the name of the next signal to stop. */
export function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, resolve);
  });
}

/** Sends the sidecars elsewhere, unless another signal comes. */
export async function drainUntilSignalled(bus: RunningBus, spreadMsMax?: number): Promise<void> {
  await Promise.race([bus.drain(spreadMsMax), nextSignal()]);
}

/** @throws UserFacingError `bus/listen/address` */
async function serve(
  settings: BusProgramSettings,
  { log, policy, tls, store, observability, recorder }: BusParts,
): Promise<RunningBus> {
  const { telemetry: metrics } = observability;
  const telemetry = metrics && recorder ? bothOf(metrics, recorder) : (metrics ?? recorder);
  const { listen, leaseMs, drainTimeoutMs, subscriptionIdleMs, subscriptionIdleMaxMs } = settings;
  try {
    return await serveBus({
      network: grpcNetwork,
      address: listen.startsWith(':') ? `0.0.0.0${listen}` : listen,
      store: store.store,
      policy: policy.policy,
      leaseMs,
      drainTimeoutMs,
      subscriptionIdleMs,
      subscriptionIdleMaxMs,
      ...(tls && { tls }),
      scheduler: realScheduler,
      log,
      ...(telemetry && { telemetry }),
    });
  } catch (error) {
    throw cannotListen(listen, error);
  }
}

/** Applies changes of the policy and of the TLS files to the bus, until they are cancelled. */
function watchFiles(
  settings: BusProgramSettings,
  { log, policy, tls }: BusParts,
  { bus, console }: { readonly bus: RunningBus; readonly console: ConsoleServer | undefined },
) {
  const watched = { log, scheduler: realScheduler };
  const { policyFile } = settings;
  return [
    policyFile !== undefined &&
      watchPolicy({
        ...watched,
        path: policyFile,
        initial: policy,
        replace: (changed) => bus.replacePolicy(changed),
      }),
    tls &&
      watchBusTls({
        ...watched,
        paths: settings,
        initial: tls,
        renew(files) {
          bus.renewTls(files);
          console?.renewTls(files);
        },
      }),
  ];
}

export function cannotListen(address: string, error: unknown): UserFacingError {
  return new UserFacingError({
    id: 'bus/listen/address',
    found: `the bus cannot listen on ${address}: ${messageOf(error)}`,
    next: ['Stop the other program that listens there, or name another address with --listen.'],
    exitCode: exitCodes.busUnreachable,
  });
}
