import type { Log } from '../../base/log/log.ts';
import { isLoopbackAddress } from '../../base/loopback.ts';
import { realScheduler } from '../../base/time/real-scheduler.ts';
import { ErrorList, exitCodeOf, messageOf, UserFacingError } from '../../base/user-facing-error.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { grpcNetwork } from '../../transport/grpc/network.ts';
import type { TlsFiles } from '../../transport/rpc.ts';
import { isOpen, openPolicy } from '../access/open-policy.ts';
import { type RunningBus, serveBus } from '../serve-bus.ts';
import { type BusLogSettings, openBusLog, printFailure } from './bus-log.ts';
import { type BusObservability, type BusObservabilitySettings, openObservability } from './bus-observability.ts';
import { BusStore, type BusStoreSettings } from './bus-store.ts';
import { type PolicyText, readPolicy, warnOfEmptyRules, watchPolicy } from './policy-file.ts';
import { type BusTlsPaths, readBusTls, watchBusTls } from './tls-files.ts';

/** The settings of a bus that is a program of its own. */
export interface BusProgramSettings extends BusTlsPaths, BusStoreSettings, BusLogSettings, BusObservabilitySettings {
  /** Absent: everybody may do everything, and the bus listens on loopback only. */
  readonly policyFile: string | undefined;
  /** `host:port`, or `:port` for every IPv4 interface. */
  readonly listen: string;
  readonly leaseMs: number;
  readonly drainTimeoutMs: number;
  readonly subscriptionIdleMs: number;
  readonly subscriptionIdleMaxMs: number;
}

/** What a bus is made of: the texts of its files, and the parts that are open. */
interface BusParts {
  readonly log: Log;
  readonly policy: PolicyText;
  readonly tls: TlsFiles | undefined;
  readonly store: BusStore;
  readonly observability: BusObservability;
}

/**
 * Serves the Bus API until SIGTERM or SIGINT. If it cannot, prints the reason to stderr. Sets the exit code of the process.
 */
export async function runBus(settings: BusProgramSettings): Promise<void> {
  try {
    const log = openBusLog(settings);
    const [policy, tls] = await inOnePass(readPolicyOf(settings), readBusTls(settings));
    warnOfEmptyRules(policy.policy, log);
    const store = new BusStore(settings, log);
    const observability = await openObservability(settings, log, store);
    try {
      await store.open((failure) => endAtOnce(failure, settings));
      await serveUntilSignalled(settings, { log, policy, tls, store, observability });
    } finally {
      await Promise.all([observability.close(), store.close()]);
    }
    // Even if the log did not accept every line.
    process.exitCode = exitCodes.clean;
  } catch (error) {
    printFailure(error, settings);
    process.exitCode = exitCodeOf(error);
  }
}

/** @throws UserFacingError `bus/policy/missing` */
async function readPolicyOf({ policyFile, listen }: BusProgramSettings): Promise<PolicyText> {
  if (policyFile !== undefined) return readPolicy(policyFile);
  if (isLoopbackAddress(listen)) return { text: '', policy: openPolicy };
  throw new UserFacingError({
    id: 'bus/policy/missing',
    found: `the bus has no policy, and is to listen on ${listen}, which others can reach`,
    expected: 'Without a policy everybody may do everything, so such a bus listens on loopback only.',
    next: ['Name a policy file with --policy, or leave --listen away.'],
    exitCode: exitCodes.configuration,
  });
}

async function serveUntilSignalled(settings: BusProgramSettings, parts: BusParts): Promise<void> {
  const { log, policy, store } = parts;
  const bus = await serve(settings, parts);
  const watches = watchFiles(settings, parts, bus);
  const signalled = nextSignal();
  if (settings.policyFile === undefined) {
    log.warn('the bus has no policy: everybody on this machine may be any instance and use every topic');
  } else if (isOpen(policy.policy)) {
    log.warn('the policy lets everybody who reaches the bus be any instance and use every topic');
  }
  // A reader of this line may send a signal at once.
  log.info('bus listens', { address: bus.address, deployment: policy.policy.deploymentId, store: store.place });
  const signal = await signalled;
  log.info('bus stops', { signal });
  for (const watch of watches) if (watch) watch.cancel();
  await Promise.race([bus.drain(), nextSignal()]);
  bus.close();
}

/** Resolves with the name of the next signal to stop. */
function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, resolve);
  });
}

/** @throws UserFacingError `bus/listen/address` */
async function serve(
  settings: BusProgramSettings,
  { log, policy, tls, store, observability }: BusParts,
): Promise<RunningBus> {
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
      ...(observability.telemetry && { telemetry: observability.telemetry }),
    });
  } catch (error) {
    throw cannotListen(listen, error);
  }
}

/** Applies changes of the policy and of the TLS files to the bus, until they are cancelled. */
function watchFiles(settings: BusProgramSettings, { log, policy, tls }: BusParts, bus: RunningBus) {
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
    tls && watchBusTls({ ...watched, paths: settings, initial: tls, renew: (files) => bus.renewTls(files) }),
  ];
}

/** After the store failed, the outcome of writes in progress is unknown, and the bus can promise nothing more. */
function endAtOnce(failure: UserFacingError, settings: BusProgramSettings): void {
  printFailure(failure, settings);
  process.exit(exitCodeOf(failure));
}

/** Both results. @throws ErrorList with the problems of both; any other error unchanged. */
async function inOnePass<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  const outcomes = await Promise.allSettled([first, second]);
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  const errors = failures.flatMap((failure): readonly unknown[] =>
    failure instanceof ErrorList ? failure.errors : [failure],
  );
  const ours = errors.filter((fault) => fault instanceof UserFacingError);
  if (ours.length > 0 && ours.length === errors.length) throw new ErrorList(ours);
  return Promise.all([first, second]);
}

function cannotListen(address: string, error: unknown): UserFacingError {
  return new UserFacingError({
    id: 'bus/listen/address',
    found: `the bus cannot listen on ${address}: ${messageOf(error)}`,
    next: ['Stop the other program that listens there, or name another address with --listen.'],
    exitCode: exitCodes.busUnreachable,
  });
}
