import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface ShellLines {
  readonly child: ChildProcess;
  readonly exit: Promise<number>;
  /** What was printed so far, on either stream. */
  readonly lines: readonly string[];
  /** Resolves with the first line that matches. @throws Error if the shell ends without one */
  readonly line: (expression: RegExp) => Promise<RegExpExecArray>;
}

/** Runs lines of a shell, which leads a process group: the line may be a shell, npm and the program. */
export function runInShell(
  text: string,
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): ShellLines {
  const child = spawn('bash', ['-ec', text], { ...options, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const looks = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      for (const look of looks) look();
    });
  }
  const exit = once(child, 'close').then(([code]) => code as number);
  const line = (expression: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = lines.map((each) => expression.exec(each)).find((match) => match !== null);
        if (found) resolve(found);
      };
      looks.add(look);
      void exit.then(() => reject(new Error(`${text} ended without ${expression}:\n${lines.join('\n')}`)));
      look();
    });
  return { child, exit, lines, line };
}

/** Sends the signal to the whole group, and waits until nobody holds its output open. */
export async function signalShell(child: ChildProcess, signal: 'SIGTERM' | 'SIGINT'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  process.kill(-child.pid, signal);
  await once(child, 'close');
}
