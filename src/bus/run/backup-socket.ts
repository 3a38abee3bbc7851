import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import type { Log } from '../../base/log/log.ts';
import { messageOf } from '../../base/user-facing-error.ts';
import type { SqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { CopiedPages } from '../store/sqlite/store-commands.ts';

/** The socket on which a bus accepts backup requests: the lock of the store's file keeps other processes from copying it. */
const socketOf = (storeFile: string): string => `${storeFile}-backup.sock`;

/** A path has at most 4,096 bytes, and JSON uses up to six for each. */
const requestBytesMax = 32 * 1_024;
const connectionsMax = 8;

/** The bus answers with JSON lines. The last contains the outcome. */
type Answer = CopiedPages | { readonly failure: string | undefined };

/** Copies the store for callers that may write to the socket: this user alone. */
export async function serveBackups(store: SqliteStore, storeFile: string, log: Log): Promise<{ close(): void }> {
  const place = socketOf(storeFile);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket)).on('error', () => {});
    void answer(socket, store, log);
  });
  server.maxConnections = connectionsMax;
  try {
    // Left by a bus that was killed: this bus holds the lock of the store.
    rmSync(place, { force: true });
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(place, resolve));
    chmodSync(place, 0o600);
  } catch (error) {
    log.warn('the store cannot be backed up while this bus runs', { socket: place, reason: messageOf(error) });
  }
  server.on('error', () => {});
  return {
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function answer(socket: Socket, store: SqliteStore, log: Log): Promise<void> {
  const send = (line: Answer): void => {
    // A slow reader gets fewer lines.
    if (socket.writableLength === 0 || 'failure' in line) socket.write(`${JSON.stringify(line)}\n`);
  };
  let failure: string | undefined;
  try {
    const to = await requestOn(socket);
    await store.copy(to, send);
    log.info('the store was copied', { to });
  } catch (error) {
    failure = messageOf(error);
    log.warn('the store was not copied', { reason: failure });
  }
  send({ failure });
  socket.end();
}

/** The file to write the copy to. @throws Error */
async function requestOn(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.includes('\n') || text.length > requestBytesMax) break;
  }
  const to: unknown = JSON.parse(text);
  if (typeof to === 'string' && to.startsWith('/')) return to;
  throw new Error('the request is not the path of a file');
}

/**
 * Asks the running bus of a store to copy it; false when no bus listens. @throws Error with the reason when the copy failed.
 */
export async function askBus(
  storeFile: string,
  to: string,
  onProgress: (pages: CopiedPages) => void,
): Promise<boolean> {
  const socket = connect(socketOf(storeFile));
  const isConnected = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  });
  if (!isConnected) return false;
  socket.on('error', () => {});
  socket.write(`${JSON.stringify(to)}\n`);
  let text = '';
  for await (const chunk of socket) {
    const lines = `${text}${chunk}`.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      const told = JSON.parse(line) as Answer;
      if ('copied' in told) onProgress(told);
      else if (told.failure === undefined) return true;
      else throw new Error(told.failure);
    }
  }
  throw new Error('the bus ended before the copy was whole');
}
