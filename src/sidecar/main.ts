import { createLog } from '../base/log.ts';
import { realScheduler } from '../base/real-scheduler.ts';
import { exitCodeOf, renderError, UserFacingError } from '../base/user-facing-error.ts';
import { version } from '../base/version.ts';
import { exitCodes } from '../contract/config/exit-codes.ts';
import { loadSidecarConfig, type SidecarConfig } from '../contract/config/sidecar-config.ts';
import { patternFault } from '../contract/wire/topic.ts';
import { grpcNetwork } from '../transport/grpc/network.ts';
import { serveHealth } from './health-server.ts';
import { readCredential, readSidecarConfigFile } from './launch-files.ts';
import { processUsageReader } from './metrics/process-usage.ts';
import { Sidecar } from './sidecar.ts';

/** The program `sidecar.mjs`: it takes no arguments, and everything from the environment. */
async function main(): Promise<number> {
  // Before anything that takes time, and for good: by default a second signal would end the process in its drain.
  const signalled = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, resolve);
  });
  const sidecar = createSidecar(await loadConfig());
  process.on('SIGINT', () => {
    // An interrupt while it is stopping already means that somebody waits at a terminal.
    if (sidecar.state === 'SHUTTING_DOWN') sidecar.hurry();
  });
  const failure = await Promise.race([signalled.then(() => undefined), runUntilFailure(sidecar)]);
  if (failure === undefined) return sidecar.stop(await signalled);
  process.stderr.write(`${renderError(failure)}\n`);
  return sidecar.stop('failed', exitCodeOf(failure));
}

async function loadConfig(): Promise<SidecarConfig> {
  const configFile = await readSidecarConfigFile(process.env);
  return loadSidecarConfig({
    environment: process.env,
    ...(configFile && { configFile }),
    checkPattern: patternFault,
    startedAtMs: performance.timeOrigin,
  });
}

function createSidecar(config: SidecarConfig): Sidecar {
  const log = createLog({
    level: config.logLevel,
    format: config.logFormat,
    write: (line) => process.stdout.write(`${line}\n`),
    wallTimeNs: () => realScheduler.wallTimeNs(),
  });
  const { instanceId: instance, poolType: pool, busApiUrl } = config;
  log.info('sidecar starts', { version, instance, pool, bus: busApiUrl.address, pid: process.pid });
  return new Sidecar({
    config,
    network: grpcNetwork,
    scheduler: realScheduler,
    log,
    serveHealth,
    processUsage: processUsageReader(),
    readCredential: () => readCredential(config),
  });
}

/** Resolves with why the sidecar cannot go on. */
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
    next: ['Look at the log of the plugin for why it did not answer.'],
    exitCode: exitCodes.pluginFaulted,
  });
}

try {
  process.exit(await main());
} catch (error) {
  process.stderr.write(`${renderError(error)}\n`);
  process.exit(exitCodeOf(error));
}
