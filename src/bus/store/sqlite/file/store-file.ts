import { closeSync, openSync, readSync, rmSync, type Stats, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { UserFacingError } from '../../../../base/user-facing-error.ts';
import { exitCodes } from '../../../../contract/config/exit-codes.ts';
import { schemaSteps } from '../schema.ts';
import { isDiskFull, StoreDamagedError, storeFault } from './store-fault.ts';

/** Marks the file as ours among SQLite databases: "MRDN" in ASCII. */
const applicationId = 0x4d52444e;

/** The start of a write-ahead log, without its last bit; https://sqlite.org/fileformat.html#the_wal_header. */
const walMagic = 0x377f0682;

export interface StorePlace {
  readonly path: string;
  /** How long to wait for another process that has the file open. */
  readonly lockTimeoutMs: number;
}

export interface StoreFileOptions extends StorePlace {
  readonly firstPosition: bigint;
}

/**
 * Opens the store's file, or creates it, and locks it against other processes until it is closed.
 * @throws UserFacingError `bus/store/…` if it is in use, not a store, damaged, of a newer version, or cannot be opened.
 */
export function openStoreFile(options: StoreFileOptions): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    if (!createPrivately(options.path)) checkFiles(options.path);
    database = openLocked(options);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN IMMEDIATE');
    checkOrCreate(database, options);
    database.exec('COMMIT');
    return database;
  } catch (error) {
    if (database?.isOpen) database.close();
    throw storeFault(options.path, error, false);
  }
}

/**
 * Opens a store that no other process has open, for `use` to read or copy. It keeps its schema version.
 * @throws UserFacingError `bus/store/…`
 */
export async function withStoreFile<T>(
  { path, lockTimeoutMs }: StorePlace,
  use: (database: DatabaseSync) => T | Promise<T>,
): Promise<T> {
  let database: DatabaseSync | undefined;
  try {
    if (!statsOf(path)) throw missing(path);
    checkFiles(path);
    database = openLocked({ path, lockTimeoutMs });
    const head = headOfStore(database);
    if (head.application === 0 && countTables(database) === 0) {
      throw new StoreDamagedError(`it is empty; while a bus runs, all of its data can still be in ${path}-wal`);
    }
    checkIsStore({ path, ...head });
    return await use(database);
  } catch (error) {
    throw storeFault(path, error, false);
  } finally {
    if (database?.isOpen) database.close();
  }
}

/** SQLite takes the lock at the first access. The lock ends with the process, even a killed one. */
function openLocked({ path, lockTimeoutMs }: StorePlace): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: lockTimeoutMs });
  database.exec('PRAGMA locking_mode = EXCLUSIVE');
  return database;
}

/** Moves everything into the one file and removes the files beside it. On a full disk, data that does not fit stays beside it. */
export function closeStoreFile(database: DatabaseSync): void {
  try {
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
  database.close();
}

/**
 * Creates a file that only its user can read; false if it exists. By default SQLite would let every user of the machine read it. The files
 * beside the store inherit its mode.
 */
export function createPrivately(path: string): boolean {
  try {
    closeSync(openSync(path, 'wx', 0o600));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

/** Removes a file and those that SQLite writes beside it. */
export function removeStoreFile(path: string): void {
  for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
}

/**
 * Refuses files that SQLite would read as an empty database or a log without a commit although they contained more: it would drop the
 * stored data. Also refuses paths that are not files, on which SQLite can wait for ever.
 */
function checkFiles(path: string): void {
  const file = statsOf(path);
  if (file && !file.isFile()) throw new Error('it is not a file');
  const log = statsOf(`${path}-wal`);
  if (!log || log.size === 0) return;
  if (!log.isFile()) throw new Error(`${path}-wal is not a file`);
  if (!file || file.size === 0) throw new StoreDamagedError(`it is empty, and ${path}-wal beside it is not`);
  const head = headOf(`${path}-wal`);
  // After a power failure a log's first write may never have reached the disk.
  const isUnwritten = head.every((byte) => byte === 0) && log.size <= head.length;
  if (isUnwritten || (head.length >= 4 && (head.readUInt32BE(0) & ~1) === walMagic)) return;
  throw new StoreDamagedError(`${path}-wal, which holds the newest commits, is not a write-ahead log`);
}

export function isThere(path: string): boolean {
  return statsOf(path) !== undefined;
}

function statsOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

/** The log's header, or less. */
function headOf(path: string): Buffer {
  const head = Buffer.alloc(32);
  const file = openSync(path, 'r');
  try {
    return head.subarray(0, readSync(file, head));
  } finally {
    closeSync(file);
  }
}

function checkOrCreate(database: DatabaseSync, { path, firstPosition }: StoreFileOptions): void {
  const { application, version } = headOfStore(database);
  if (application === 0 && version === 0 && countTables(database) === 0) {
    raiseSchema(database, 0);
    database.prepare('INSERT INTO log (last_position, bytes) VALUES (?, 0)').run(firstPosition);
    database.exec(`PRAGMA application_id = ${applicationId}`);
    return;
  }
  checkIsStore({ path, application, version });
  checkPages(database, 'quick_check');
  raiseSchema(database, version);
}

function headOfStore(database: DatabaseSync): { application: number; version: number } {
  return {
    application: Number(database.prepare('PRAGMA application_id').get()?.['application_id']),
    version: Number(database.prepare('PRAGMA user_version').get()?.['user_version']),
  };
}

function countTables(database: DatabaseSync): number {
  return Number(database.prepare('SELECT count(*) AS count FROM sqlite_schema').get()?.['count']);
}

function missing(path: string): UserFacingError {
  return new UserFacingError({
    id: 'bus/store/missing',
    found: `there is no store ${path}`,
    next: ['Name the file of a store.'],
    exitCode: exitCodes.configuration,
  });
}

function checkIsStore({ path, application, version }: { path: string; application: number; version: number }): void {
  if (application !== applicationId) {
    throw new UserFacingError({
      id: 'bus/store/foreign',
      found: `${path} is a database of another program`,
      next: ['Name another file with --store; a file that does not exist is created.'],
      exitCode: exitCodes.unresolved,
    });
  }
  if (version < 1 || version > schemaSteps.length) {
    throw new UserFacingError({
      id: 'bus/store/version',
      found: `${path} has schema version ${version}, and this program knows versions 1 to ${schemaSteps.length}`,
      next: ['Run the release of meridian-sidecar that wrote the file, or a newer one.'],
      exitCode: exitCodes.unresolved,
    });
  }
}

/**
 * Checks every page, so that damage is found at the start and not when its page is needed. The quick check takes about 0.2 s for 256 MiB.
 * @throws StoreDamagedError
 */
export function checkPages(database: DatabaseSync, check: 'quick_check' | 'integrity_check'): void {
  const { [check]: found } = database.prepare(`PRAGMA ${check}(1)`).get() ?? {};
  if (found !== 'ok') throw new StoreDamagedError(String(found).trim().replaceAll('\n', ' '));
}

/** Applies the missing schema steps within the caller's transaction: all of them or none. */
export function raiseSchema(database: DatabaseSync, version: number): void {
  // Avoids a write, which a full disk would refuse.
  if (version === schemaSteps.length) return;
  for (const step of schemaSteps.slice(version)) database.exec(step);
  database.exec(`PRAGMA user_version = ${schemaSteps.length}`);
}
