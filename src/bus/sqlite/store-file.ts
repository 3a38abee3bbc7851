import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { messageOf, UserFacingError } from '../../base/user-facing-error.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { schemaSteps } from './schema.ts';

/** Marks the file as ours among SQLite databases: "MRDN" in ASCII. */
const applicationId = 0x4d52444e;

/** SQLite's primary result codes; https://sqlite.org/rescode.html. */
const resultCodes = { busy: 5, full: 13, notDatabase: 26 } as const;

export interface StoreFileOptions {
  readonly path: string;
  readonly lockTimeoutMs: number;
  readonly firstPosition: bigint;
}

/**
 * Opens the store's file, or makes it, and keeps it locked against every other process until it is closed.
 * @throws UserFacingError `bus/store/…` when it is in use, no store, of a newer version, or cannot be opened.
 */
export function openStoreFile(options: StoreFileOptions): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    createPrivately(options.path);
    database = new DatabaseSync(options.path, { timeout: options.lockTimeoutMs });
    // The lock comes with the first access in WAL mode, and goes with the process, however that ends.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    database.exec('BEGIN IMMEDIATE');
    checkOrCreate(database, options);
    database.exec('COMMIT');
    return database;
  } catch (error) {
    if (database?.isOpen) database.close();
    throw error instanceof UserFacingError ? error : openFault(options.path, error);
  }
}

/** Writes everything into the one file, so that nothing stays beside it. */
export function closeStoreFile(database: DatabaseSync): void {
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
}

/** SQLite would let every user of the machine read payloads and state; files beside the store inherit its mode. */
function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function checkOrCreate(database: DatabaseSync, { path, firstPosition }: StoreFileOptions): void {
  const application = Number(database.prepare('PRAGMA application_id').get()?.['application_id']);
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
  const tables = Number(database.prepare('SELECT count(*) AS count FROM sqlite_schema').get()?.['count']);
  if (application === 0 && version === 0 && tables === 0) {
    raiseSchema(database, 0);
    database.prepare('INSERT INTO log (last_position, bytes) VALUES (?, 0)').run(firstPosition);
    database.exec(`PRAGMA application_id = ${applicationId}`);
    return;
  }
  if (application !== applicationId) {
    throw new UserFacingError({
      id: 'bus/store/foreign',
      found: `${path} is a database of another program`,
      next: ['Name another file with --store; a file that does not exist is made.'],
      exitCode: exitCodes.configuration,
    });
  }
  if (version < 1 || version > schemaSteps.length) {
    throw new UserFacingError({
      id: 'bus/store/version',
      found: `${path} has schema version ${version}, and this program knows versions 1 to ${schemaSteps.length}`,
      next: ['Run the release of meridian-sidecar that wrote the file, or a newer one.'],
      exitCode: exitCodes.configuration,
    });
  }
  raiseSchema(database, version);
}

/** Takes the steps that the file lacks; within the caller's transaction, so that it has all of them or none. */
function raiseSchema(database: DatabaseSync, version: number): void {
  for (const step of schemaSteps.slice(version)) database.exec(step);
  database.exec(`PRAGMA user_version = ${schemaSteps.length}`);
}

function openFault(path: string, error: unknown): UserFacingError {
  const code = primaryResultCode(error);
  if (code === resultCodes.busy) {
    return new UserFacingError({
      id: 'bus/store/locked',
      found: `another process has ${path} open`,
      next: ['Stop the other bus, or give this one a file of its own with --store.'],
      exitCode: exitCodes.configuration,
    });
  }
  if (code === resultCodes.notDatabase) {
    return new UserFacingError({
      id: 'bus/store/not-a-database',
      found: `${path} is not an SQLite database`,
      next: ['Name another file with --store; a file that does not exist is made.'],
      exitCode: exitCodes.configuration,
    });
  }
  return new UserFacingError({
    id: 'bus/store/unusable',
    found: `the store ${path} cannot be opened: ${messageOf(error)}`,
    next: ['Name a file with --store in a directory that exists and that this user may write.'],
    exitCode: exitCodes.configuration,
  });
}

/** Whether the disk, and not the store's own limit, had no more room. */
export function isDiskFull(error: unknown): boolean {
  return primaryResultCode(error) === resultCodes.full;
}

/** Extended codes hold the primary one in their lowest byte. */
function primaryResultCode(error: unknown): number | undefined {
  const { errcode } = error as { errcode?: unknown };
  return typeof errcode === 'number' ? errcode & 0xff : undefined;
}
