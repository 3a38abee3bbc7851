import { constants } from 'node:os';
import path from 'node:path';
import { realScheduler } from '../../base/time/real-scheduler.ts';
import { sleep } from '../../base/time/scheduler.ts';
import { UserFacingError } from '../../base/user-facing-error.ts';
import { environmentOfCaller } from '../../buildpack/runtime-variables.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { devRun } from '../../local/dev-run.ts';
import { spawnProcess } from '../../local/process-spawner.ts';
import { usageExitCode } from '../command.ts';
import { askHealth } from '../health-answer.ts';
import { devPlaces } from './dev-places.ts';
import { partLine } from './part-lines.ts';
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
  const places = await devPlaces(own, flags.devBus === true);
  const log = flags.verbose ? {} : { SIDECAR_LOG_LEVEL: 'warn' };
  const cwd = process.cwd();
  const node = process.execPath;
  const watched = flags.watch && (await WatchedFiles.open(cwd, realScheduler));
  if (places.busAddress !== undefined)
    tell(`bus: ${places.busAddress}${flags.policy ? '' : ', open to everybody on this machine'}`);
  tell(`sidecar: ${places.instanceId} (${places.poolType}) at ${places.sidecarAddress}`);
  const code = await devRun({
    bus:
      places.busAddress === undefined
        ? undefined
        : { file: node, args: busArguments(places.busAddress, flags), env: own, cwd },
    sidecar: {
      file: node,
      args: [...endWithParent, file('sidecar.mjs')],
      env: { ...log, ...(flags.devBus ? withoutBusSettings(own) : own), ...places.sidecar },
      cwd,
    },
    plugin: { file: command, args, env: { ...caller, ...places.plugin }, cwd },
    ready: (signal) => untilReady(places.healthAddress, signal, tell),
    changed: watched && ((signal) => watched.next(signal)),
    spawn: spawnProcess,
    scheduler: realScheduler,
    killDelayMs,
    stop: stop.signal,
    hurry: hurry.signal,
    onLine: (line, part, stream) => void process[stream].write(partLine(part, line, stream)),
    tell,
  }).catch((error: unknown) => {
    throw notStarted(command, error);
  });
  return code;
}

function busArguments(address: string, { busStore, policy, verbose }: DevFlags): string[] {
  const store = busStore === undefined ? 'memory' : path.resolve(busStore);
  return [
    ...[...endWithParent, file('cli.mjs'), 'bus', '--listen', address, '--store', store],
    ...(policy === undefined ? [] : ['--policy', policy]),
    // What it says of a missing policy, this program has said.
    ...(verbose ? [] : ['--log-level', policy === undefined ? 'error' : 'warn']),
  ];
}

async function untilReady(address: string, signal: AbortSignal, tell: (text: string) => void): Promise<void> {
  const startedMs = realScheduler.nowMs();
  let hasTold = false;
  while (!signal.aborted) {
    const { isHealthy, state } = await askHealth(address);
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
