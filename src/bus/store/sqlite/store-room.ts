import type { DatabaseSync } from 'node:sqlite';
import type { Scheduler } from '../../../base/time/scheduler.ts';
import type { DiskReserve } from './file/disk-reserve.ts';
import { isDiskFull } from './file/store-fault.ts';
import type { Command } from './store-commands.ts';

const MiB = 1024 * 1024;
const holdEveryMs = 1_000;

/** Pages of the file that are free while the disk is full; a state of `stateBytes` fits. */
const fillerBytes = 2 * MiB;

/** What rows, indexes and the ends of pages take beside the bytes of one command. */
const overheadBytes = 64 * 1024;

/** After so many pages SQLite moves its log into the file, and begins it anew: its default, and while the disk is full. */
const checkpointAfterPages = { usually: 1_000, onFullDisk: 16 } as const;

/**
 * Whether there is room to store more. While the disk is full, everything that makes room later goes on: acknowledging,
 * saving state, registering. The reserve on the disk lets the log move into the file; then both grow no more, however full
 * others make the disk, and rows go where the filler was. More messages are stored only in pages that are free beside it.
 */
export class StoreRoom {
  readonly #database: DatabaseSync;
  readonly #reserve: DiskReserve;
  readonly #scheduler: Pick<Scheduler, 'nowMs'>;
  #triedMs = Number.NEGATIVE_INFINITY;

  constructor(database: DatabaseSync, reserve: DiskReserve, scheduler: Pick<Scheduler, 'nowMs'>) {
    this.#database = database;
    this.#reserve = reserve;
    this.#scheduler = scheduler;
    if (reserve.isHeld) this.#fill();
    else this.look();
  }

  get isDiskFull(): boolean {
    return !this.#reserve.isHeld;
  }

  /** Looks, once in a while, whether a full disk has room again. */
  look(): void {
    const nowMs = this.#scheduler.nowMs();
    if (this.#reserve.isHeld || nowMs - this.#triedMs < holdEveryMs) return;
    this.#triedMs = nowMs;
    this.#reserve.hold();
    if (this.#reserve.isHeld) this.#fill();
    else this.#useFiller();
  }

  /** The disk had no room, so what is reserved is used. */
  useReserve(): void {
    this.#triedMs = this.#scheduler.nowMs();
    this.#reserve.release();
    this.#useFiller();
  }

  mayStore(command: Command): boolean {
    return this.#reserve.isHeld || fillerBytes + 2 * growthOf(command) + overheadBytes < this.#freeBytes();
  }

  #fill(): void {
    const filled = this.#unlessFull(`
      PRAGMA wal_autocheckpoint = ${checkpointAfterPages.usually};
      INSERT INTO filler (bytes) SELECT zeroblob(${fillerBytes}) WHERE NOT EXISTS (SELECT 1 FROM filler)`);
    if (!filled) this.useReserve();
  }

  #useFiller(): void {
    // In this order: what others leave of the disk now may be gone later, and the log needs it first.
    this.#unlessFull(`PRAGMA wal_autocheckpoint = ${checkpointAfterPages.onFullDisk}; PRAGMA wal_checkpoint(PASSIVE)`);
    this.#unlessFull('DELETE FROM filler');
  }

  #unlessFull(sql: string): boolean {
    try {
      this.#database.exec(sql);
      return true;
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      return false;
    }
  }

  #freeBytes(): number {
    const pages = this.#database.prepare('PRAGMA freelist_count').get()?.['freelist_count'];
    const size = this.#database.prepare('PRAGMA page_size').get()?.['page_size'];
    return Number(pages) * Number(size);
  }
}

/** Whether the command adds messages to the log, which is what fills a disk. */
export function addsMessages({ name }: Command): boolean {
  return name === 'append' || name === 'deadLetter';
}

/** The bytes that a command brings. */
export function growthOf({ name, args }: Command): number {
  if (name === 'append') return args.messages.reduce((sum, { envelope }) => sum + envelope.length, 0);
  if (name === 'deadLetter') return args.letter.envelope.length;
  return name === 'saveState' ? args.state.length : 0;
}
