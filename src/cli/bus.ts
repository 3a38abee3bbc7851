import { readFile } from 'node:fs/promises';
import { Option } from 'commander';
import { createLog, type LogLevel, logLevels } from '../base/log.ts';
import { realScheduler } from '../base/real-scheduler.ts';
import { messageOf, UserFacingError } from '../base/user-facing-error.ts';
import { MemoryStore } from '../bus/memory/memory-store.ts';
import { type Policy, parsePolicy } from '../bus/policy.ts';
import { serveBus } from '../bus/serve-bus.ts';
import { exitCodes } from '../contract/config/exit-codes.ts';
import { grpcNetwork } from '../transport/grpc/network.ts';
import type { AddCommand } from './command.ts';

interface BusFlags {
  readonly listen: string;
  readonly policy: string;
  readonly logLevel: LogLevel;
}

/** `meridian-sidecar bus`: the Bus API in one process, until SIGTERM or SIGINT. */
export const addBusCommand: AddCommand = (program) => {
  program
    .command('bus')
    .description('serve the Bus API from this process; it keeps everything in memory')
    .requiredOption('--policy <file>', 'who may be which instance and use which topics (YAML)')
    .option('--listen <host:port>', 'where to listen; port 0 takes a free one', ':8443')
    .addOption(new Option('--log-level <level>', 'least important lines to print').choices(logLevels).default('info'))
    .action((flags: BusFlags) => runBus(flags));
};

async function runBus(flags: BusFlags): Promise<void> {
  const log = createLog({
    level: flags.logLevel,
    format: 'text',
    write: (line) => process.stdout.write(`${line}\n`),
    wallTimeNs: () => realScheduler.wallTimeNs(),
  });
  const policy = await readPolicy(flags.policy);
  const bus = await serveBus({
    network: grpcNetwork,
    address: flags.listen.startsWith(':') ? `0.0.0.0${flags.listen}` : flags.listen,
    store: new MemoryStore({ scheduler: realScheduler }),
    policy,
    scheduler: realScheduler,
    log,
  }).catch((error: unknown) => {
    throw cannotListen(flags.listen, error);
  });
  log.info('bus listens', { address: bus.address, deployment: policy.deploymentId });
  const signal = await new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, resolve);
  });
  log.info('bus stops', { signal });
  bus.close();
}

async function readPolicy(path: string): Promise<Policy> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new UserFacingError({
      id: 'bus/policy/unreadable',
      found: `the policy file ${path} cannot be read: ${messageOf(error)}`,
      next: ['Name an existing YAML file with --policy.'],
      exitCode: exitCodes.configuration,
    });
  });
  return parsePolicy({ path, text });
}

function cannotListen(address: string, error: unknown): UserFacingError {
  return new UserFacingError({
    id: 'bus/listen/address',
    found: `the bus cannot listen on ${address}: ${messageOf(error)}`,
    next: ['Stop whatever else listens there, or name another address with --listen.'],
    exitCode: exitCodes.busUnreachable,
  });
}
