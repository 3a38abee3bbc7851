import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { TlsFiles } from '../../src/transport/rpc.ts';
import { pythonFile } from '../python/virtual-environment.ts';
import { goPeerFile, javaClasspath, javaFile } from './tools.ts';

/** The first argument of a peer, as JSON. */
export interface PeerOptions {
  readonly role: 'client' | 'server';
  /** Where a client connects to. */
  readonly address?: string;
  readonly tls?: TlsFiles;
  /** HTTP/2's initial windows in bytes, and its limit of streams; for a server that can be given them. */
  readonly window?: number;
  readonly streams?: number;
}

/** One call, or many of the same kind. A client answers each with a Result. Bytes are base64. */
export interface CallOrder {
  readonly kind: 'unary' | 'stream' | 'many';
  readonly method?: string;
  readonly send?: readonly string[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly binary?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly compress?: boolean;
  /** Sends a message when the one before it was answered. */
  readonly inTurn?: boolean;
  /** Never half-closes. */
  readonly staysOpen?: boolean;
  /** Cancels when it has received so many messages. */
  readonly cancelAfter?: number;
  /** Of `many`: calls of Echo in all and at once, and the bytes of each. */
  readonly total?: number;
  readonly atOnce?: number;
  readonly bytes?: number;
}

/** What a server is told to do. `renew` is only for ours. */
export interface ServerOrder {
  readonly do: 'open' | 'drain' | 'close' | 'renew';
  readonly tls?: TlsFiles;
}

export type Asked = (CallOrder & { readonly id: number }) | ServerOrder;

export interface Result {
  readonly id: number;
  /** The number of a gRPC status. */
  readonly code: number;
  readonly message: string;
  readonly received: readonly string[];
  readonly trailers: Readonly<Record<string, string>>;
  /** Of `many`: calls by the number of their status, and how many of the answers were not their requests. */
  readonly codes?: Readonly<Record<string, number>>;
  readonly unequal?: number;
}

/** `gated`: a call waits for `open`. `lost`: the call Hang has lost its caller. `closed`, `refused`: of our server's connections. */
export interface PeerEvent {
  readonly event: 'listening' | 'gated' | 'lost' | 'drained' | 'closed' | 'refused';
  readonly address?: string;
  readonly code?: string;
  readonly reason?: string;
}

const node = (name: string): readonly string[] => [
  process.execPath,
  path.join(import.meta.dirname, 'peers', `${name}.ts`),
];

/** The programs that take orders. Each runs as a process of its own. */
export const peers = {
  ours: node('own-server'),
  'our HTTP/2': node('http2-layer'),
  'grpc-js': node('grpc-js-peer'),
  'node:http2': node('http2-server'),
  'grpc-go': [goPeerFile],
  "gRPC's C core": [pythonFile, path.join(import.meta.dirname, 'peers/python/peer.py')],
  'grpc-java': [javaFile, '-Xshare:auto', '-XX:TieredStopAtLevel=1', '-cp', javaClasspath, 'Peer'],
} as const;

export type PeerName = keyof typeof peers;

const running = new Set<PeerProcess>();

/** Ends every peer that was started here. */
export async function endPeers(): Promise<void> {
  await Promise.all([...running].map((peer) => peer.end()));
}

/** A peer: a client or a server in a process of its own, which reads and writes one JSON object a line. */
export class PeerProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #events: PeerEvent[] = [];
  readonly #results = new Map<number, (result: Result) => void>();
  readonly #looks = new Set<() => void>();
  #stderr = '';
  #isOver = false;
  #lastId = 0;

  constructor(name: PeerName, options: PeerOptions) {
    const [file, ...args] = peers[name];
    this.#child = spawn(file, [...args, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdin?.on('error', () => {});
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    const { stdout } = this.#child;
    if (stdout) createInterface({ input: stdout }).on('line', (line) => this.#heard(JSON.parse(line)));
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#stderr += error.message;
        resolve(undefined);
      });
      this.#child.once('close', resolve);
    }).then(() => {
      this.#isOver = true;
      for (const look of this.#looks) look();
    });
    running.add(this);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it complained of. */
  get stderr(): string {
    return this.#stderr;
  }

  call(order: CallOrder): Promise<Result> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#results.set(id, resolve);
      this.#looks.add(() => this.#isOver && reject(new Error(`the peer ended:\n${this.#stderr}`)));
      this.#send({ ...order, id });
    });
  }

  order(order: ServerOrder): void {
    this.#send(order);
  }

  /** Takes the oldest event of this name, or waits for one. @throws Error with the peer's complaints when it ends first. */
  async event(name: PeerEvent['event']): Promise<PeerEvent> {
    for (;;) {
      const index = this.#events.findIndex(({ event }) => event === name);
      const [found] = index < 0 ? [] : this.#events.splice(index, 1);
      if (found) return found;
      if (this.#isOver) throw new Error(`the peer ended before it told "${name}":\n${this.#stderr}`);
      await new Promise<void>((resolve) => {
        const look = (): void => {
          this.#looks.delete(look);
          resolve();
        };
        this.#looks.add(look);
      });
    }
  }

  async end(): Promise<void> {
    running.delete(this);
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #send(asked: Asked): void {
    this.#child.stdin?.write(`${JSON.stringify(asked)}\n`);
  }

  #heard(line: PeerEvent | Result): void {
    if ('event' in line) this.#events.push(line);
    else {
      this.#results.get(line.id)?.(line);
      this.#results.delete(line.id);
    }
    for (const look of this.#looks) look();
  }
}

export interface RunningServer {
  readonly peer: PeerProcess;
  readonly address: string;
  readonly port: string;
}

export async function startServer(
  name: PeerName,
  options: Omit<PeerOptions, 'role' | 'address'> = {},
): Promise<RunningServer> {
  const peer = new PeerProcess(name, { ...options, role: 'server' });
  const { address = '' } = await peer.event('listening');
  return { peer, address, port: address.slice(address.lastIndexOf(':') + 1) };
}

export function startClient(name: PeerName, address: string, options: Partial<PeerOptions> = {}): PeerProcess {
  return new PeerProcess(name, { ...options, role: 'client', address });
}
