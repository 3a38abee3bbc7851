import path from 'node:path';
import type { Log } from '../../base/log/log.ts';
import { realScheduler } from '../../base/time/real-scheduler.ts';
import { exitCodeOf, FaultList, messageOf, UserFacingError } from '../../base/user-facing-error.ts';
import { addGrantsCommand } from '../../cli/bus/bus-grants.ts';
import { addBusSettings, type BusSettingFlags } from '../../cli/bus/bus-settings.ts';
import { addSubscriptionsCommand } from '../../cli/bus/bus-subscriptions.ts';
import { type AddCommand, usageExitCode } from '../../cli/command.ts';
import { addStoreCommands } from '../../cli/store/store-commands.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { grpcNetwork } from '../../transport/grpc/network.ts';
import { bufferOneMessageAStream } from '../../transport/grpc/read-ahead.ts';
import { serveBus } from '../serve-bus.ts';
import { MemoryStore } from '../store/in-memory/memory-store.ts';
import { DiskReport } from '../store/sqlite/file/disk-report.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { serveBackups } from './backup-socket.ts';
import {
  addBusObservability,
  type BusObservabilityFlags,
  busLog,
  printFailure,
  watchBus,
} from './bus-observability.ts';
import { readPolicy, warnOfEmptyRules, watchPolicy } from './policy-file.ts';
import { type BusTlsFlags, readBusTls, watchBusTls } from './tls-files.ts';

interface BusFlags extends BusTlsFlags, BusSettingFlags, BusObservabilityFlags {
  readonly listen: string;
  readonly policy?: string;
  readonly store: string;
}

/** `meridian-sidecar bus`: the Bus API in one process, until SIGTERM or SIGINT. */
export const addBusCommand: AddCommand = (program) => {
  const command = program
    .command('bus')
    .description('serve the Bus API from this process')
    .option('--policy <file>', 'who may be which instance and use which topics (YAML); read again when it changes')
    .option(
      '--store <file|memory>',
      'where everything is kept: an SQLite file, made when there is none, or memory, for trials',
      'meridian-bus.sqlite',
    )
    .option('--listen <host:port>', 'where to listen; port 0 takes a free one', ':8443')
    .option('--tls-certificate <file>', 'PEM file with the certificate of the bus; read again when it changes')
    .option('--tls-key <file>', 'PEM file with its key')
    .option(
      '--tls-client-ca <file>',
      'PEM file with the authorities of client certificates; makes a credential mandatory',
    );
  addBusSettings(addBusObservability(command)).action(async (flags: BusFlags) => {
    // Commander would require a required option of the subcommands too.
    const { policy } = flags;
    if (policy === undefined) {
      return command.error("error: required option '--policy <file>' not specified", { exitCode: usageExitCode });
    }
    return runBus(flags, policy).catch((error: unknown) => {
      printFailure(error, flags);
      process.exitCode = exitCodeOf(error);
    });
  });
  addGrantsCommand(command);
  addSubscriptionsCommand(command);
  addStoreCommands(command);
};

async function runBus(flags: BusFlags, policyFile: string): Promise<void> {
  bufferOneMessageAStream();
  const log = busLog(flags);
  const [initial, tls] = await inOnePass(readPolicy(policyFile), readBusTls(flags));
  const { policy } = initial;
  warnOfEmptyRules(policy, log);
  const storeFile = storeFileOf(flags);
  const disk = storeFile === undefined ? undefined : new DiskReport({ log, scheduler: realScheduler, path: storeFile });
  const watching = await watchBus(flags, { log, storeFile, isDiskFull: () => disk?.isFull ?? false });
  const { store, place, close } = await openStore(flags, { disk, log }).catch(async (error: unknown) => {
    await watching.close();
    throw error;
  });
  const bus = await serveBus({
    network: grpcNetwork,
    address: flags.listen.startsWith(':') ? `0.0.0.0${flags.listen}` : flags.listen,
    store,
    policy,
    leaseMs: flags.lease,
    drainTimeoutMs: flags.drainTimeout,
    subscriptionIdleMs: flags.subscriptionIdle,
    subscriptionIdleMaxMs: flags.subscriptionIdleMax,
    ...(tls && { tls }),
    scheduler: realScheduler,
    log,
    ...(watching.telemetry && { telemetry: watching.telemetry }),
  }).catch(async (error: unknown) => {
    await Promise.all([close(), watching.close()]);
    throw cannotListen(flags.listen, error);
  });
  const policyWatch = watchPolicy({
    path: policyFile,
    initial,
    scheduler: realScheduler,
    log,
    replace: (changed) => bus.replacePolicy(changed),
  });
  const tlsWatch =
    tls && watchBusTls({ flags, initial: tls, log, scheduler: realScheduler, renew: (files) => bus.renewTls(files) });
  const signalled = new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, resolve);
  });
  // A reader of this line may send a signal at once.
  log.info('bus listens', { address: bus.address, deployment: policy.deploymentId, store: place });
  const signal = await signalled;
  log.info('bus stops', { signal });
  tlsWatch?.cancel();
  policyWatch.cancel();
  bus.close();
  await watching.close();
  await close();
  // Even if the log did not accept every line.
  process.exitCode = exitCodes.clean;
}

/** `memory` is the only word that is not a file; for a file of that name write `./memory`. */
function storeFileOf({ store: place }: BusFlags): string | undefined {
  return place === 'memory' ? undefined : path.resolve(place);
}

async function openStore(
  flags: BusFlags,
  { disk, log }: { readonly disk: DiskReport | undefined; readonly log: Log },
): Promise<{ store: Store; place: string; close: () => Promise<void> }> {
  const file = storeFileOf(flags);
  const settings = {
    scheduler: realScheduler,
    dedupWindowMs: flags.dedupWindow,
    retention: { messages: flags.keepMessages, bytes: flags.storeBytes },
  };
  if (file === undefined) return { store: new MemoryStore(settings), place: 'memory', close: async () => {} };
  const store = await openSqliteStore({
    ...settings,
    path: file,
    onFailure: (error) => endAtOnce(error, flags),
    onDiskFull: (isFull) => disk?.set(isFull),
  });
  const backups = await serveBackups(store, file, log);
  return {
    store,
    place: file,
    async close() {
      await store.close();
      disk?.close();
      backups.close();
    },
  };
}

/** After the store failed, the outcome of writes in progress is unknown, and the bus can promise nothing more. */
function endAtOnce(error: UserFacingError, flags: BusFlags): void {
  printFailure(error, flags);
  process.exit(exitCodeOf(error));
}

/** Both results. @throws FaultList with the problems of both; any other error unchanged. */
async function inOnePass<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  const outcomes = await Promise.allSettled([first, second]);
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  const faults = failures.flatMap((failure): readonly unknown[] =>
    failure instanceof FaultList ? failure.faults : [failure],
  );
  const ours = faults.filter((fault) => fault instanceof UserFacingError);
  if (ours.length > 0 && ours.length === faults.length) throw new FaultList(ours);
  return Promise.all([first, second]);
}

function cannotListen(address: string, error: unknown): UserFacingError {
  return new UserFacingError({
    id: 'bus/listen/address',
    found: `the bus cannot listen on ${address}: ${messageOf(error)}`,
    next: ['Stop whatever else listens there, or name another address with --listen.'],
    exitCode: exitCodes.busUnreachable,
  });
}
