// A provider that plays what a test wrote down, and records how it was called: PLAY.JSON CALLS.JSONL ARGUMENTS...
import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, readFileSync, readSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** One thing that the provider does. */
export type Step =
  | { readonly write: string }
  | { readonly waitMs: number }
  /** Says so in the record, to show that it came so far. */
  | { readonly mark: string }
  /** Records the next line of stdin. */
  | { readonly readLine: true }
  | { readonly closeStdout: true }
  /** Leaves a process behind that has stdout open for so long. */
  | { readonly leaveBehindMs: number }
  | { readonly exit: number };

export interface Play {
  /** What `compose metadata` prints; absent, it fails. */
  readonly metadata?: string;
  readonly up?: readonly Step[];
  readonly down?: readonly Step[];
}

export interface Call {
  readonly arguments?: readonly string[];
  readonly pid?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly mark?: string;
  readonly stdinLine?: string;
}

const [playFile = '', callsFile = '', ...args] = process.argv.slice(2);
const play = JSON.parse(readFileSync(playFile, 'utf8')) as Play;
const record = (call: Call): void => appendFileSync(callsFile, `${JSON.stringify(call)}\n`);
record({ arguments: args, pid: process.pid, environment: process.env as Record<string, string> });

if (args[1] === 'metadata') {
  if (play.metadata === undefined) process.exit(1);
  writeSync(1, play.metadata);
  process.exit(0);
}
for (const step of (args.includes('down') ? play.down : play.up) ?? []) await take(step);

async function take(step: Step): Promise<void> {
  if ('write' in step) writeAll(step.write);
  else if ('waitMs' in step) await sleep(step.waitMs);
  else if ('mark' in step) record({ mark: step.mark });
  else if ('readLine' in step) record({ stdinLine: readLine() });
  else if ('closeStdout' in step) closeSync(1);
  else if ('leaveBehindMs' in step)
    spawn('sleep', [String(step.leaveBehindMs / 1_000)], {
      detached: true,
      stdio: ['ignore', 'inherit', 'ignore'],
    }).unref();
  else process.exit(step.exit);
}

function writeAll(text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
}

function readLine(): string {
  const byte = Buffer.alloc(1);
  let line = '';
  while (readSync(0, byte) === 1 && byte[0] !== 0x0a) line += byte.toString('latin1');
  return line;
}
