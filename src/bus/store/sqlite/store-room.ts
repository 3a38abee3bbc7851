import type { DatabaseSync } from 'node:sqlite';
import type { Scheduler } from '../../../base/time/scheduler.ts';
import type { DiskReserve } from './file/disk-reserve.ts';
import { isDiskFull } from './file/store-fault.ts';
import type { Command } from './store-commands.ts';

const MiB = 1024 * 1024;
const holdEveryMs = 1_000;

/** Free pages of the file while the disk is full. A state of `stateBytes` fits. */
const fillerBytes = 2 * MiB;

/** The size of rows, indexes and unused ends of pages beside the bytes of one command. */
const overheadBytes = 64 * 1024;

/** The number of pages after which SQLite moves its log into the file and starts it again: SQLite's default, and while the disk is full. */
const checkpointAfterPages = { usually: 1_000, onFullDisk: 16 } as const;

/**
 * Decides whether there is space to store more. While the disk is full, commands that lead to free space continue: acks, saving state,
 * registering. With the reserve released, the log can move into the file. After that neither grows, even if other programs fill the disk,
 * and rows use the filler's space. More messages are stored only in other free pages.
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

  /** Checks at intervals whether a full disk has space again. */
  look(): void {
    const nowMs = this.#scheduler.nowMs();
    if (this.#reserve.isHeld || nowMs - this.#triedMs < holdEveryMs) return;
    this.#triedMs = nowMs;
    this.#reserve.hold();
    if (this.#reserve.isHeld) this.#fill();
    else this.#useFiller();
  }

  /** Uses the reserved space because the disk is full. */
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
    // The order matters: other programs may use the remaining disk space later, and the log needs it first.
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

/** The bytes that a command adds. */
export function growthOf({ name, args }: Command): number {
  if (name === 'append') return args.messages.reduce((sum, { envelope }) => sum + envelope.length, 0);
  if (name === 'deadLetter') return args.letter.envelope.length;
  return name === 'saveState' ? args.state.length : 0;
}
