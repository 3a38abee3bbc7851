import net from 'node:net';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { spawnProcess } from '../../src/local/process-spawner.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** Lines as they come, and the first that matches. */
export interface Watched {
  push(line: string): void;
  line(pattern: RegExp): Promise<RegExpExecArray>;
}

export function watch(lines: string[]): Watched {
  const waiting = new Set<() => void>();
  return {
    push(line) {
      lines.push(line);
      for (const check of waiting) check();
    },
    line: (pattern) =>
      new Promise((resolve) => {
        const check = (): void => {
          const match = lines.map((line) => pattern.exec(line)).find((found) => found !== null);
          if (!match) return;
          waiting.delete(check);
          resolve(match);
        };
        waiting.add(check);
        check();
      }),
  };
}

/** Starts a Bus API with the policy of the demo and returns its address. */
export async function startBus(): Promise<string> {
  const said = watch([]);
  const policy = path.join(root, 'fixtures/demo/policy.yml');
  const bus = spawnProcess({
    file: process.execPath,
    args: [path.join(root, 'dist/cli.mjs'), 'bus', '--policy', policy, '--store', 'memory', '--listen', '127.0.0.1:0'],
    env: {},
    cwd: root,
    onLine: (line) => said.push(line),
  });
  onTestFinished(async () => {
    bus.terminate();
    await bus.exited;
  });
  const [, address = ''] = await said.line(/bus listens address=(\S+)/);
  return address;
}

export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
