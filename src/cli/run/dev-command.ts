import { constants } from 'node:os';
import path from 'node:path';
import { logLevels } from '../../base/log/log.ts';
import { realScheduler } from '../../base/time/real-scheduler.ts';
import { sleep } from '../../base/time/scheduler.ts';
import { UserFacingError } from '../../base/user-facing-error.ts';
import { environmentOfCaller } from '../../buildpack/runtime-variables.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { devRun } from '../../local/dev-run.ts';
import { spawnProcess } from '../../local/process-spawner.ts';
import { usageExitCode } from '../command.ts';
import { askHealth } from '../health-answer.ts';
import { type DevPlaces, devPlaces } from './dev-places.ts';
import { partLine } from './part-lines.ts';
import { ServiceLines } from './service-lines.ts';
import { WatchedFiles } from './watched-files.ts';

export interface DevFlags {
  readonly devBus?: true;
  readonly busStore?: string;
  readonly policy?: string;
  readonly watch?: true;
  readonly verbose?: true;
}

/** The plugin's own drain is 6 s, and the sidecar's whole stop 8 s. */
const killDelayMs = 10_000;
const pollEveryMs = 50;
/** Who starts a program expects to hear from it by then. */
const tellAfterMs = 1_000;

const file = (name: string): string => path.join(import.meta.dirname, name);

/** Bus and sidecar lead process groups of their own, so they would stay when this program is killed. */
const endWithParent = [
  '--import',
  `data:text/javascript,const parent = process.ppid;
   setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM'); }, 500).unref();`,
];

/** Runs the command as the plugin of a sidecar, until it ends. Returns its exit code. */
export async function runBesideSidecar(command: string, args: readonly string[], flags: DevFlags): Promise<number> {
  for (const [flag, value] of [
    ['--policy', flags.policy],
    ['--bus-store', flags.busStore],
  ] as const) {
    if (value !== undefined && !flags.devBus) throw withoutBus(flag);
  }
  const tell = (text: string): void => void process.stderr.write(partLine('run', text, 'stderr'));
  const stop = new AbortController();
  const hurry = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => (stop.signal.aborted ? hurry : stop).abort(128 + constants.signals[signal]));
  }
  // The start script has withheld what the caller sets for programs of its own.
  const own = textsOf(process.env);
  const caller = textsOf(environmentOfCaller(process.env));
  const places = await devPlaces(own);
  const { sidecarLines, busLines } = linesOf(own, flags);
  const cwd = process.cwd();
  const node = process.execPath;
  const watched = flags.watch && (await WatchedFiles.open(cwd, realScheduler, tell));
  const busAddress = (): string | undefined => busLines.told('bus listens', 'address');
  const tellBus = (address: string): void => {
    tell(`bus: ${address}${flags.policy ? '' : ', open to everybody on this machine'}`);
  };
  const code = await devRun({
    bus: flags.devBus && {
      starts: places.busAddresses.map((address) => ({ file: node, args: busArguments(address, flags), env: own, cwd })),
      isListening: () => busAddress() !== undefined,
      isPortTaken: (line) => line.includes('the bus cannot listen on'),
    },
    sidecar() {
      const address = busAddress();
      if (address !== undefined) tellBus(address);
      const env = sidecarEnvironment(places, flags.devBus ? withoutBusSettings(own) : own);
      const bus = address === undefined ? {} : { SIDECAR_BUS_API_URL: address };
      return { file: node, args: [...endWithParent, file('sidecar.mjs')], env: { ...env, ...bus }, cwd };
    },
    plugin() {
      const address = sidecarLines.told('plugin port listens', 'address') ?? places.sidecarAddress;
      const env = { ...caller, ...places.identity, SIDECAR_ADDR: address, MERIDIAN_SIDECAR_ADDRESS: address };
      return { file: command, args, env, cwd };
    },
    async ready(signal) {
      await untilReady(sidecarLines, signal, tell);
      const { INSTANCE_ID, POOL_TYPE } = places.identity;
      tell(`sidecar: ${INSTANCE_ID} (${POOL_TYPE}) at ${sidecarLines.told('plugin port listens', 'address')}`);
    },
    changed: watched && ((signal) => watched.next(signal)),
    spawn: spawnProcess,
    scheduler: realScheduler,
    killDelayMs,
    stop: stop.signal,
    hurry: hurry.signal,
    onLine(line, part, stream) {
      const lines = { bus: busLines, sidecar: sidecarLines, plugin: undefined }[part];
      if (lines?.hear(line) ?? true) process[stream].write(partLine(part, line, stream));
    },
    tell,
  }).catch((error: unknown) => {
    throw notStarted(command, error);
  });
  return code;
}

/** What is shown of both logs. What the bus says of a missing policy, this program has said. */
function linesOf(own: Readonly<Record<string, string>>, { verbose, policy }: DevFlags) {
  const wanted = logLevels.find((level) => level === own['SIDECAR_LOG_LEVEL']);
  const quiet = policy === undefined ? 'error' : 'warn';
  return {
    sidecarLines: new ServiceLines(wanted ?? (verbose ? 'info' : 'warn')),
    busLines: new ServiceLines(verbose ? 'info' : quiet),
  };
}

function sidecarEnvironment(
  { identity, sidecarAddress, healthAddress }: DevPlaces,
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  const level = own['SIDECAR_LOG_LEVEL'];
  // At these levels it would not tell where it listens.
  const SIDECAR_LOG_LEVEL = level === undefined || level === 'warn' || level === 'error' ? 'info' : level;
  return { ...own, ...identity, SIDECAR_ADDR: sidecarAddress, SIDECAR_HEALTH_ADDR: healthAddress, SIDECAR_LOG_LEVEL };
}

function busArguments(address: string, { busStore, policy }: DevFlags): string[] {
  const store = busStore === undefined ? 'memory' : path.resolve(busStore);
  return [
    ...[...endWithParent, file('cli.mjs'), 'bus', '--listen', address, '--store', store],
    ...(policy === undefined ? [] : ['--policy', policy]),
    ...['--log-level', 'info'],
  ];
}

async function untilReady(lines: ServiceLines, signal: AbortSignal, tell: (text: string) => void): Promise<void> {
  const startedMs = realScheduler.nowMs();
  let hasTold = false;
  while (!signal.aborted) {
    const port = lines.told('health server listens', 'port');
    const { isHealthy, state } = port === undefined ? {} : await askHealth(`127.0.0.1:${port}`);
    if (isHealthy) return;
    if (!hasTold && realScheduler.nowMs() - startedMs > tellAfterMs) {
      hasTold = true;
      tell(`waiting for the sidecar${state ? `, which is ${state}` : ''}; --verbose shows what it does`);
    }
    await sleep(realScheduler, pollEveryMs, signal);
  }
}

/** Authorities and credentials are those of another bus. */
function withoutBusSettings(environment: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('SIDECAR_BUS_')));
}

function textsOf(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function withoutBus(flag: string): UserFacingError {
  return new UserFacingError({
    id: 'run/bus/missing',
    found: `${flag} is for the bus that --dev-bus starts, which is not there`,
    next: [`Add --dev-bus, or leave ${flag} away.`],
    exitCode: usageExitCode,
  });
}

function notStarted(command: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const shared = {
    expected: 'It must be a program in PATH, or the path of an executable file.',
    next: ['Write the program and its arguments after --, as in -- node plugin.js.'],
  };
  if (code === 'ENOENT') {
    const found = `${command} was not found`;
    return new UserFacingError({ id: 'run/command/not-found', found, ...shared, exitCode: exitCodes.commandNotFound });
  }
  if (code === 'EACCES') {
    const found = `${command} may not be executed`;
    return new UserFacingError({
      id: 'run/command/not-executable',
      found,
      ...shared,
      exitCode: exitCodes.commandNotExecutable,
    });
  }
  return error;
}
