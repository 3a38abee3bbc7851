import { type AuditLog, openAuditLog } from '../audit/audit-log.ts';
import { within } from '../base/async/within.ts';
import type { Log } from '../base/log/log.ts';
import { writeFailure } from '../base/log/log-error.ts';
import { processUsageReader } from '../base/metrics/process-usage.ts';
import { createStreamLog, LineStream } from '../base/output/line-stream.ts';
import { realScheduler } from '../base/time/real-scheduler.ts';
import { exitCodeOf, UserFacingError } from '../base/user-facing-error.ts';
import { version } from '../base/version.ts';
import { readBindingSources } from '../contract/config/bus/binding-files.ts';
import { exitCodes } from '../contract/config/exit-codes.ts';
import { loadSidecarConfig, type SidecarConfig } from '../contract/config/sidecar-config.ts';
import { hasTwoTokens, unknownVariables } from '../contract/config/variable-slips.ts';
import { patternProblem } from '../contract/wire/topics/topic.ts';
import { grpcNetwork } from '../transport/grpc/network.ts';
import { serveHttp } from '../transport/http/http-server.ts';
import { readCredential, readSidecarConfigFile } from './lifecycle/launch-files.ts';
import { openProcessMemory } from './memory/process-memory.ts';
import type { ProcessMemory } from './memory/sidecar-memory.ts';
import { Sidecar } from './sidecar.ts';

const stderr = new LineStream(process.stderr);

/** The program `sidecar.mjs`. It takes no arguments; all its settings come from the environment. */
async function main(): Promise<number> {
  // Before anything slow, and permanently: by default a second signal would end the process while it drains.
  const signalled = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, resolve);
  });
  // By default SIGHUP ends a process, and operators who rotate files send it to every process.
  process.on('SIGHUP', () => {});
  // A process cannot end during a name lookup, and the C library's may take longer than a platform waits before it kills. A
  // lookup that gives up early is simply repeated: https://man7.org/linux/man-pages/man5/resolv.conf.5.html
  process.env['RES_OPTIONS'] ??= 'timeout:2 attempts:1';
  const config = await loadConfig();
  const log = logOf(config);
  const audit = await auditLogOf(config, log);
  const sidecar = createSidecar(config, log, { audit, processMemory: openProcessMemory(process.env) });
  process.on('SIGINT', () => {
    // A second interrupt means that somebody waits at a terminal.
    if (sidecar.state === 'SHUTTING_DOWN') sidecar.hurry();
  });
  const failure = await Promise.race([signalled.then(() => undefined), runUntilFailure(sidecar)]);
  if (failure !== undefined) printFailure(failure, config.logFormat);
  const exitCode =
    failure === undefined ? await sidecar.stop(await signalled) : await sidecar.stop('failed', exitCodeOf(failure));
  if (audit) await within(realScheduler, config.shutdown.closeMs, audit.close());
  return exitCode;
}

async function loadConfig(): Promise<SidecarConfig> {
  const configFile = await readSidecarConfigFile(process.env);
  return loadSidecarConfig({
    environment: process.env,
    ...(configFile && { configFile }),
    bindings: await readBindingSources(process.env),
    checkPattern: patternProblem,
    startedAtMs: performance.timeOrigin,
  });
}

function logOf({ logLevel: level, logFormat: format }: Pick<SidecarConfig, 'logLevel' | 'logFormat'>): Log {
  return createStreamLog(process.stdout, { level, format, wallTimeNs: () => realScheduler.wallTimeNs() });
}

/** The audit log, if one is configured; its file is reopened at SIGHUP. */
async function auditLogOf({ auditLog: place, instanceId }: SidecarConfig, log: Log): Promise<AuditLog | undefined> {
  if (place === undefined) return undefined;
  const audit = await openAuditLog({
    place,
    setting: 'SIDECAR_AUDIT_LOG',
    writer: instanceId,
    scheduler: realScheduler,
    log,
    stdout: process.stdout,
  });
  process.on('SIGHUP', () => {
    audit.reopen();
    log.info('SIGHUP: the next audit line opens the file again', { file: place });
  });
  return audit;
}

function createSidecar(
  config: SidecarConfig,
  log: Log,
  { audit, processMemory }: { readonly audit: AuditLog | undefined; readonly processMemory: ProcessMemory },
): Sidecar {
  const { instanceId: instance, poolType: pool, busApiUrl, busProxy } = config;
  log.info('sidecar starts', {
    version,
    instance,
    pool,
    bus: busApiUrl.address,
    busFrom: busApiUrl.origin,
    busProxy: busProxy?.address,
    pid: process.pid,
    memoryMiB: Math.floor(processMemory.limit.bytes / 2 ** 20),
    memoryFrom: processMemory.limit.origin,
  });
  warnOfVariables(log);
  return new Sidecar({
    config,
    network: grpcNetwork,
    scheduler: realScheduler,
    log,
    serveHttp,
    processUsage: processUsageReader(),
    processMemory,
    ...(audit && { audit }),
    readCredential: () => readCredential(config),
  });
}

/** Warns of variables that are set and have no effect. */
function warnOfVariables(log: Log): void {
  for (const { name: variable, nearest: didYouMean } of unknownVariables(process.env)) {
    log.warn('a variable is set that nothing reads', { variable, didYouMean });
  }
  if (hasTwoTokens(process.env)) log.warn('SIDECAR_BUS_TOKEN is used, and SIDECAR_BUS_TOKEN_FILE beside it is not');
}

/** Resolves with the reason why the sidecar cannot continue. */
async function runUntilFailure(sidecar: Sidecar): Promise<unknown> {
  try {
    await sidecar.start();
  } catch (error) {
    return error;
  }
  await sidecar.faulted;
  return new UserFacingError({
    id: 'sidecar/run/plugin-faulted',
    found: 'the plugin missed its health checks, and SIDECAR_EXIT_ON_FAULT is set',
    expected: 'The sidecar ends so that the platform restarts the container.',
    next: ['See the log of the plugin for why it did not answer.'],
    exitCode: exitCodes.pluginFaulted,
  });
}

function printFailure(error: unknown, format: SidecarConfig['logFormat']): void {
  writeFailure(error, { format, write: (line) => stderr.write(line), wallTimeNs: () => realScheduler.wallTimeNs() });
}

function endWith(error: unknown): never {
  // Without a configuration only the environment says which format to use.
  printFailure(error, process.env.SIDECAR_LOG_FORMAT?.trim() === 'json' ? 'json' : 'text');
  process.exit(exitCodeOf(error));
}

process.on('uncaughtException', endWith);
try {
  process.exit(await main());
} catch (error) {
  endWith(error);
}
