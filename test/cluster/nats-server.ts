import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from './free-ports.ts';
import { serverFile } from './tools.ts';

export interface NatsServers {
  /** `host:port` of each. */
  readonly addresses: readonly string[];
  readonly processes: readonly ChildProcess[];
  /** Starts one that was killed again, on its own data and port. */
  restart(index: number): Promise<void>;
  stop(): Promise<void>;
}

interface ServersOptions {
  readonly isJetStreamOn?: boolean;
  /** More lines of the configuration. */
  readonly more?: readonly string[];
  /** The ports at which a server finds the cluster. Absent: those of all servers. */
  readonly routesOf?: (index: number, ports: readonly number[]) => readonly number[];
}

const allRoutes = (_: number, ports: readonly number[]): readonly number[] => ports;

/** Real servers with JetStream: one, or a cluster. */
export async function startServers(
  count: number,
  { isJetStreamOn = true, more = [], routesOf = allRoutes }: ServersOptions = {},
): Promise<NatsServers> {
  const directory = mkdtempSync(path.join(tmpdir(), 'meridian-nats-'));
  const ports = await freePorts(count * 2);
  const clients = ports.slice(0, count);
  const routes = ports.slice(count);
  const processes: ChildProcess[] = [];
  const start = async (index: number): Promise<void> => {
    const file = path.join(directory, `${index}.conf`);
    const cluster = `cluster { name: c, listen: "127.0.0.1:${routes[index]}", no_advertise: true, routes: [${routesOf(
      index,
      routes,
    )
      .map((port) => `"nats://127.0.0.1:${port}"`)
      .join(', ')}] }`;
    writeFileSync(
      file,
      [
        `server_name: n${index}`,
        `listen: "127.0.0.1:${clients[index]}"`,
        'max_payload: 2MB',
        // Every stream reserves its limit, and each test makes one.
        isJetStreamOn ? `jetstream { store_dir: "${path.join(directory, `data-${index}`)}", max_file_store: 1TB }` : '',
        count > 1 ? cluster : '',
        ...more,
      ].join('\n'),
    );
    const child = spawn(serverFile, ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    processes[index] = child;
    await ready(child);
  };
  await Promise.all(clients.map((_, index) => start(index)));
  return {
    addresses: clients.map((port) => `127.0.0.1:${port}`),
    processes,
    restart: start,
    async stop() {
      await Promise.all(processes.map(killed));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Ends a process at once, also one that was stopped. */
export async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function ready(child: ChildProcess): Promise<void> {
  let log = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (data: Buffer) => {
      log = `${log}${data.toString()}`.slice(-4_000);
      if (log.includes('Server is ready')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`nats-server ended with ${code}:\n${log}`)));
  });
}

/** Tries again until it does not fail, for a minute: a new cluster first elects its leaders. */
export async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (tries === 60) throw error;
      await sleep(1_000);
    }
  }
}
