import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { ownLoopback } from '../../sidecar/own-loopback.ts';
import { type Frame, preface, settings, settingsAck, takeFrames, types } from './raw-frames.ts';

export interface RawPeerOptions {
  /** Absent: plaintext. */
  readonly tls?: ConnectionOptions;
  /** What it sends first: a client's preface and empty SETTINGS, unless given. */
  readonly first?: readonly Buffer[];
}

/**
 * One end of an HTTP/2 connection that sends what it is told to, valid or not, and keeps every frame that comes. By itself it does nothing:
 * it acknowledges nothing, opens no window and answers no ping.
 */
export class RawPeer {
  readonly socket: Socket;
  /** Resolves once the connection is over, however it ended. */
  readonly closed: Promise<void>;
  #unread: Frame[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #isDiscarding = false;
  readonly #onChange = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    // What the other end cuts off is no failure here.
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        resolve();
        this.#changed();
      });
    });
  }

  /** @throws Error when the connection cannot be opened. */
  static async connect(address: string, { tls, first = [preface, settings()] }: RawPeerOptions = {}): Promise<RawPeer> {
    const [, host = '', port] = /^(.*):(\d+)$/.exec(address) ?? [];
    const at = { host, port: Number(port) };
    const socket = tls ? connectTls({ ...at, ALPNProtocols: ['h2'], ...tls }) : connect(at);
    await once(socket, tls ? 'secureConnect' : 'connect');
    socket.setNoDelay();
    const peer = new RawPeer(socket);
    peer.send(...first);
    return peer;
  }

  /** As a well-behaved client begins: both sides' SETTINGS are sent and acknowledged. */
  static async greet(address: string, options: RawPeerOptions = {}): Promise<RawPeer> {
    const peer = await RawPeer.connect(address, options);
    await peer.next(({ type }) => type === types.settings);
    peer.send(settingsAck);
    return peer;
  }

  get isClosed(): boolean {
    return this.socket.destroyed;
  }

  /** Frames that came and that `next` has neither returned nor passed over. */
  get unread(): readonly Frame[] {
    return this.#unread;
  }

  /** Sends these bytes in one write. False once more waits here than the socket likes. */
  send(...parts: readonly Buffer[]): boolean {
    return !this.isClosed && this.socket.write(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts));
  }

  /** Resolves once what was sent has left, or the connection is over. */
  async sent(): Promise<void> {
    if (this.isClosed || !this.socket.writableNeedDrain) return;
    await Promise.race([new Promise<void>((resolve) => this.socket.once('drain', resolve)), this.closed]);
  }

  /** Sends what `next` makes, as fast as it is taken, until it makes nothing, `signal` aborts or the connection is over. */
  async flood(next: (index: number) => Buffer | undefined, signal?: AbortSignal): Promise<void> {
    const stopped = new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
    for (let index = 0; !this.isClosed && !signal?.aborted; index += 1) {
      const bytes = next(index);
      if (!bytes) return;
      if (!this.send(bytes)) await Promise.race([this.sent(), stopped]);
      // Lets what came be read.
      if (index % 64 === 63) await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** The next frame that is wanted; those before it are passed over. @throws Error when the connection ends first. */
  async next(isWanted: (frame: Frame) => boolean): Promise<Frame> {
    const passed: Frame[] = [];
    for (;;) {
      for (let frame = this.#unread.shift(); frame; frame = this.#unread.shift()) {
        if (isWanted(frame)) return frame;
        passed.push(frame);
      }
      if (this.isClosed) {
        const last = passed.map(
          ({ type, streamId, payload }) => `${type} on ${streamId}: ${payload.toString('latin1')}`,
        );
        throw new Error(`the connection ended before the wanted frame; before it came\n${last.slice(-20).join('\n')}`);
      }
      await new Promise<void>((resolve) => this.#onChange.add(resolve));
    }
  }

  /** Reads on, and forgets what it reads: for attackers that live long. */
  discard(): void {
    this.#isDiscarding = true;
    this.#unread = [];
    this.socket.resume();
  }

  /** Reads nothing more from the socket, so that what the other end writes stays there. */
  hold(): void {
    this.socket.pause();
  }

  close(): void {
    this.socket.destroy();
  }

  #read(chunk: Buffer): void {
    if (this.#isDiscarding) return;
    const { frames, rest } = takeFrames(Buffer.concat([this.#rest, chunk]));
    this.#rest = rest;
    this.#unread.push(...frames);
    this.#changed();
  }

  #changed(): void {
    for (const resolve of this.#onChange) resolve();
    this.#onChange.clear();
  }
}

export interface RawServer {
  readonly address: string;
  /** The next client; its preface is taken off when it comes, and nothing is answered. */
  next(): Promise<RawPeer>;
  close(): void;
}

/** Listens for clients whose other end is played by a RawPeer. */
export async function listenRaw(): Promise<RawServer> {
  const server = createServer();
  const waiting: RawPeer[] = [];
  let wake = (): void => {};
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket.setNoDelay());
    const onReadable = (): void => {
      const begin = socket.read(preface.length) as Buffer | null;
      if (!begin) return;
      socket.off('readable', onReadable);
      waiting.push(new RawPeer(socket));
      wake();
    };
    socket.on('readable', onReadable).on('error', () => {});
  });
  server.listen(0, ownLoopback);
  await once(server, 'listening');
  return {
    address: `${ownLoopback}:${(server.address() as AddressInfo).port}`,
    async next() {
      for (let peer = waiting.shift(); ; peer = waiting.shift()) {
        if (peer) return peer;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
