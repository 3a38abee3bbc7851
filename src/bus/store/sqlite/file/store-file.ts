import { closeSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { UserFacingError } from '../../../../base/user-facing-error.ts';
import { exitCodes } from '../../../../contract/config/exit-codes.ts';
import { schemaSteps } from '../schema.ts';
import { isDiskFull, StoreDamagedError, storeFault } from './store-fault.ts';

/** Marks the file as ours among SQLite databases: "MRDN" in ASCII. */
const applicationId = 0x4d52444e;

/** How a write-ahead log begins, but for the last bit; https://sqlite.org/fileformat.html#the_wal_header. */
const walMagic = 0x377f0682;

export interface StoreFileOptions {
  readonly path: string;
  readonly lockTimeoutMs: number;
  readonly firstPosition: bigint;
}

/**
 * Opens the store's file, or makes it, and keeps it locked against every other process until it is closed.
 * @throws UserFacingError `bus/store/…` when it is in use, no store, damaged, of a newer version, or cannot be opened.
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
 * Opens a store that nobody else has open, to look at or to copy, and has `use` it; its version stays what it is.
 * @throws UserFacingError `bus/store/…`
 */
export async function withStoreFile<T>(
  { path, lockTimeoutMs }: Pick<StoreFileOptions, 'path' | 'lockTimeoutMs'>,
  use: (database: DatabaseSync) => T | Promise<T>,
): Promise<T> {
  let database: DatabaseSync | undefined;
  try {
    if (!statsOf(path)) throw missing(path);
    checkFiles(path);
    database = openLocked({ path, lockTimeoutMs });
    const head = headOfStore(database);
    if (head.application === 0 && countTables(database) === 0) {
      throw new StoreDamagedError(`it is empty; of a bus that runs, everything can still be in ${path}-wal`);
    }
    checkIsStore({ path, ...head });
    return await use(database);
  } catch (error) {
    throw storeFault(path, error, false);
  } finally {
    if (database?.isOpen) database.close();
  }
}

/** The lock comes with the first access, and goes with the process, however that ends. */
function openLocked({ path, lockTimeoutMs }: Pick<StoreFileOptions, 'path' | 'lockTimeoutMs'>): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: lockTimeoutMs });
  database.exec('PRAGMA locking_mode = EXCLUSIVE');
  return database;
}

/** Writes everything into the one file, so that nothing stays beside it; on a full disk, what does not fit stays there. */
export function closeStoreFile(database: DatabaseSync): void {
  try {
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
  database.close();
}

/** False when it is there. SQLite would let every user of the machine read it; files beside the store inherit its mode. */
export function createPrivately(path: string): boolean {
  try {
    closeSync(openSync(path, 'wx', 0o600));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

/**
 * What SQLite takes for an empty database, or for a log without a commit, although it was more: it would drop what was
 * stored. And what is no file, on which it can wait for ever.
 */
function checkFiles(path: string): void {
  const file = statsOf(path);
  if (file && !file.isFile()) throw new Error('it is not a file');
  const log = statsOf(`${path}-wal`);
  if (!log || log.size === 0) return;
  if (!log.isFile()) throw new Error(`${path}-wal is not a file`);
  if (!file || file.size === 0) throw new StoreDamagedError(`it is empty, and ${path}-wal beside it is not`);
  const head = headOf(`${path}-wal`);
  // A machine that loses power can leave a log whose first write never reached the disk.
  const isUnwritten = head.every((byte) => byte === 0) && log.size <= head.length;
  if (isUnwritten || (head.length >= 4 && (head.readUInt32BE(0) & ~1) === walMagic)) return;
  throw new StoreDamagedError(`${path}-wal, which holds the newest commits, is no write-ahead log`);
}

function statsOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

/** The length of a log's header, or less. */
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
      next: ['Name another file with --store; a file that does not exist is made.'],
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
 * Looks at every page, so that a damaged store is told at the start and not when its page is needed; the quick check takes
 * about 0.2 s for 256 MiB. @throws StoreDamagedError
 */
export function checkPages(database: DatabaseSync, check: 'quick_check' | 'integrity_check'): void {
  const { [check]: found } = database.prepare(`PRAGMA ${check}(1)`).get() ?? {};
  if (found !== 'ok') throw new StoreDamagedError(String(found).trim().replaceAll('\n', ' '));
}

/** Takes the steps that the file lacks; within the caller's transaction, so that it has all of them or none. */
export function raiseSchema(database: DatabaseSync, version: number): void {
  // A full disk would refuse to write what is there.
  if (version === schemaSteps.length) return;
  for (const step of schemaSteps.slice(version)) database.exec(step);
  database.exec(`PRAGMA user_version = ${schemaSteps.length}`);
}
