import { appendFileSync, existsSync, renameSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';
import { makeFolders } from '../../base/files/make-folders.ts';
import { createLog, type Log, silentLog } from '../../base/log/log.ts';
import { logError } from '../../base/log/log-error.ts';
import { realScheduler } from '../../base/time/real-scheduler.ts';
import { exitCodeOf } from '../../base/user-facing-error.ts';
import { environmentOfCaller } from '../../buildpack/runtime-variables.ts';
import { dockerThrough } from '../../compose/engine/docker.ts';
import { dockerCommand } from '../../compose/engine/docker-cli.ts';
import { withinLimit } from '../../compose/engine/docker-limit.ts';
import { readHostFile } from '../../compose/invocation/host-files.ts';
import { type Invocation, parseInvocation } from '../../compose/invocation/invocation.ts';
import { errorTexts, Protocol } from '../../compose/invocation/protocol.ts';
import { runCommand } from '../../compose/run-command.ts';
import { StateFiles } from '../../compose/state/state-files.ts';
import { patternProblem } from '../../contract/wire/topics/topic.ts';
import { stateFolder } from './compose-folders.ts';
import { stdinLine } from './stdin-line.ts';

/**
 * `meridian-sidecar compose up|down|stop|pull`, as Compose calls them. Stdout carries only the protocol; Compose does not read
 * stderr. @returns the exit code.
 */
export async function runProvider(argv: readonly string[]): Promise<number> {
  const protocol = new Protocol({ write: takeStdout(), accepted: process.env['COMPOSE_PROVIDER_MESSAGES'] });
  let logFile: string | undefined;
  let log: Log = silentLog;
  const fail = (error: unknown): number => {
    logError(log, error);
    protocol.error(...errorTexts(error, logFile));
    return exitCodeOf(error) || 1;
  };
  // An uncaught error is a bug, but must still end in a message.
  process.on('uncaughtException', (error) => process.exit(fail(error)));
  try {
    const invocation = parseInvocation(argv);
    const state = new StateFiles(stateFolder(process.env));
    const file = state.logFile(invocation);
    log = openLog(file, invocation);
    if (log !== silentLog) logFile = file;
    strayOutput = (text) => log.warn('stray output', { text: text.trim() });
    await runCommand(
      {
        docker: dockerThrough(withinLimit(dockerCommand(environmentOfCaller(process.env)), realScheduler)),
        state,
        scheduler: realScheduler,
        protocol,
        log,
        readFile: readHostFile,
        checkPattern: patternProblem,
        readLine: stdinLine,
        contextDir: import.meta.dirname,
        wantedPlatform: process.env['DOCKER_DEFAULT_PLATFORM'],
      },
      invocation,
    );
    return 0;
  } catch (error) {
    return fail(error);
  }
}

/** Receives all other output to stdout or stderr; drops it until there is a log. */
let strayOutput: (text: string) => void = () => {};

/** After this call only the returned function writes to stdout. Output that Compose does not read is dropped. */
function takeStdout(): (text: string) => void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => {});
    stream.write = ((text: string | Uint8Array) => {
      strayOutput(typeof text === 'string' ? text : Buffer.from(text).toString());
      return true;
    }) as typeof stream.write;
  }
  return writeAll;
}

/** Returns when everything is in the pipe, so that nothing is lost when the process ends. */
function writeAll(text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A pipe that another process made non-blocking is full for the moment.
      if (code === 'EAGAIN') continue;
      return;
    }
  }
}

const logBytesMax = 1024 * 1024;

/** Written synchronously, so that a kill loses no line. */
function openLog(file: string, { project, service }: Invocation): Log {
  try {
    makeFolders(path.dirname(file), 0o700);
    if (existsSync(file) && statSync(file).size > logBytesMax) renameSync(file, `${file}.1`);
    appendFileSync(file, '', { mode: 0o600 });
  } catch {
    return silentLog;
  }
  const about = `${project}/${service}[${process.pid}]`;
  return createLog({
    level: 'debug',
    format: 'text',
    wallTimeNs: () => realScheduler.wallTimeNs(),
    write(line) {
      const time = new Date(Number(realScheduler.wallTimeNs() / 1_000_000n)).toISOString();
      try {
        appendFileSync(file, `${time} ${about} ${line}\n`);
      } catch {
        // A full disk must not prevent a removal.
      }
    },
  });
}
