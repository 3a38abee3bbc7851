import { spawn } from 'node:child_process';
import { messageOf } from '../base/user-facing-error.ts';

/** Receives a script's output while it runs. */
export interface ScriptOutput {
  readonly stdout: (chunk: Uint8Array) => void;
  readonly stderr: (chunk: Uint8Array) => void;
}

export interface ScriptRun {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly output: ScriptOutput;
}

/** Runs a buildpack's script to its end; returns the reason of a failure, such as `exit status 3`, or undefined. */
export function runScript({ file, args, env, cwd, output }: ScriptRun): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(file, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', output.stdout);
    child.stderr.on('data', output.stderr);
    child.once('error', (error) => resolve(messageOf(error)));
    child.once('close', (code, signal) => {
      if (signal) resolve(`signal: ${signal}`);
      else resolve(code === 0 ? undefined : `exit status ${code}`);
    });
  });
}
