import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Log } from '../../base/log/log.ts';
import { realScheduler } from '../../base/time/real-scheduler.ts';
import type { UserFacingError } from '../../base/user-facing-error.ts';
import { MemoryStore } from '../store/in-memory/memory-store.ts';
import type { Leader } from '../store/jetstream/leading/leader-subject.ts';
import type { LeadingStore } from '../store/jetstream/leading/leading-store.ts';
import { openStoreInTurn } from '../store/jetstream/open-jetstream-store.ts';
import { DiskReport } from '../store/sqlite/file/disk-report.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { serveBackups } from './backup-socket.ts';
import { isNatsStore, type NatsStoreSettings, natsPlaceOf } from './nats-store.ts';

export interface BusStoreSettings extends NatsStoreSettings {
  /** An SQLite file, `memory`, or `nats://…`. For a file of that name, write `./memory`. */
  readonly store: string;
  readonly dedupWindowMs: number;
  readonly keepMessages: number;
  readonly storeBytes: number;
}

/** The store of a bus that is a program: in memory, on NATS, or a file that can be backed up while the bus runs. */
export class BusStore {
  readonly #settings: BusStoreSettings;
  readonly #log: Log;
  /** Undefined for a store that is not a file. */
  readonly #file: string | undefined;
  readonly #disk: DiskReport | undefined;
  #opened: { readonly store: Store; close(): Promise<void> } | undefined;
  /** On NATS, while this process leads. */
  #leading: LeadingStore | undefined;

  constructor(settings: BusStoreSettings, log: Log) {
    this.#settings = settings;
    this.#log = log;
    if (settings.store === 'memory' || isNatsStore(settings.store)) return;
    this.#file = path.resolve(settings.store);
    this.#disk = new DiskReport({ log, scheduler: realScheduler, path: this.#file });
  }

  /** The absolute path of the file, or what else the store is. */
  get place(): string {
    return this.#file ?? this.#settings.store;
  }

  /** The disk that the store is on; undefined for a store in memory. */
  get disk(): { bytes(): Promise<number>; isDiskFull(): boolean } | undefined {
    const file = this.#file;
    if (file === undefined) return undefined;
    return { bytes: () => sizeOnDisk(file), isDiskFull: () => this.#disk?.isFull ?? false };
  }

  /** Whether several processes of a bus may share the store, one of which leads. */
  get isShared(): boolean {
    return isNatsStore(this.#settings.store);
  }

  /** Only after `open` or `openInTurn`. */
  get store(): Store {
    if (!this.#opened) throw new Error('the store is used before it was opened');
    return this.#opened.store;
  }

  /** A store that is not shared. `onFailure`: it failed later, and can promise nothing more. @throws UserFacingError */
  async open(onFailure: (error: UserFacingError) => void): Promise<void> {
    const settings = this.#storeSettings;
    if (this.#file === undefined) {
      this.#opened = { store: new MemoryStore(settings), async close() {} };
      return;
    }
    const disk = this.#disk;
    const onDiskFull = (isFull: boolean): void => disk?.set(isFull);
    const store = await openSqliteStore({ ...settings, path: this.#file, onFailure, onDiskFull });
    const backups = await serveBackups(store, this.#file, this.#log);
    this.#opened = {
      store,
      async close() {
        await store.close();
        disk?.close();
        backups.close();
      },
    };
  }

  /** A shared store, as soon as no other process leads. Resolves with false if the signal aborts before. @throws UserFacingError */
  async openInTurn(turn: StoreTurn): Promise<boolean> {
    const { store: address, deployment, storeReplicas: replicas } = this.#settings;
    const nats = await natsPlaceOf(address, this.#settings);
    const onWait = (reason: string): void => this.#log.warn('the store waits for NATS', { reason });
    const leading = await openStoreInTurn({ ...this.#storeSettings, ...turn, nats, deployment, replicas, onWait });
    this.#leading = leading;
    this.#opened = leading;
    return leading !== undefined;
  }

  /** Tells the processes that stand by where this one is reached. */
  listensAt(address: string): void {
    this.#leading?.listensAt(address);
  }

  /** This process takes nobody in any more. @returns whether another one stands by. */
  leave(): boolean {
    return this.#leading?.leave() ?? false;
  }

  async close(): Promise<void> {
    await this.#opened?.close();
    this.#opened = undefined;
  }

  get #storeSettings() {
    const { dedupWindowMs, keepMessages: messages, storeBytes: bytes } = this.#settings;
    return { scheduler: realScheduler, dedupWindowMs, retention: { messages, bytes } };
  }
}

export interface StoreTurn {
  readonly onLeader: (leader: Leader) => Promise<void>;
  /** As of `open`; also that another process has taken over. */
  readonly onFailure: (error: UserFacingError) => void;
  readonly signal: AbortSignal;
}

/** The size of the file and of the log that SQLite writes beside it. */
async function sizeOnDisk(file: string): Promise<number> {
  const sizes = await Promise.all(
    ['', '-wal'].map((suffix) =>
      stat(`${file}${suffix}`).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
