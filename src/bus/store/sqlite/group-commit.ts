import type { DatabaseSync } from 'node:sqlite';
import { messageOf } from '../../../base/user-facing-error.ts';
import { RevisionConflictError, StaleEpochError, StoreFullError, TooManySubscriptionsError } from '../store.ts';
import { endsTheStore, isDiskFull } from './file/store-fault.ts';
import type { StoreRows } from './rows/store-rows.ts';
import { type Answer, type Command, readingCommands, writerOf } from './store-commands.ts';
import { addsMessages, type StoreRoom } from './store-room.ts';

export interface OpenStore {
  readonly database: DatabaseSync;
  readonly rows: StoreRows;
  readonly room: StoreRoom;
}

export interface CommittedGroup {
  /** In the order of the commands. They are sent once the disk has the data. */
  readonly answers: readonly Answer[];
  /** Whether a transaction was needed. */
  readonly committed: boolean;
}

const diskFull: Answer = { refused: { kind: 'full', reason: 'the disk of the store is full' } };

/**
 * Runs a group of commands in one transaction, so that they share one fsync. A refused command is undone alone. On a full disk the group
 * runs a second time, with the reserve released and without commands that add messages.
 * @throws any error of the disk except a full one: after it the state of the file is unknown.
 */
export function commitGroup(store: OpenStore, commands: readonly Command[]): CommittedGroup {
  const { database, rows, room } = store;
  room.look();
  if (commands.every(({ name }) => readingCommands.has(name))) {
    return { answers: commands.map((command) => answer(database, rows, command)), committed: false };
  }
  const group = inTransaction(store, commands, (command) => !addsMessages(command) || room.mayStore(command));
  if (group) return group;
  room.useReserve();
  const again = inTransaction(store, commands, (command) => !addsMessages(command));
  return again ?? { answers: commands.map(() => diskFull), committed: false };
}

/** Undefined if the disk was full. Then nothing was done. */
function inTransaction(
  { database, rows, room }: OpenStore,
  commands: readonly Command[],
  mayBeDone: (command: Command) => boolean,
): CommittedGroup | undefined {
  try {
    database.exec('BEGIN IMMEDIATE');
    const answers = commands.map((command) => (mayBeDone(command) ? answer(database, rows, command) : diskFull));
    // On a full disk, trimming all unneeded messages makes space.
    rows.trim(room.isDiskFull ? Number.POSITIVE_INFINITY : 0);
    database.exec('COMMIT');
    return { answers, committed: true };
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    if (database.isTransaction) database.exec('ROLLBACK');
    return undefined;
  }
}

function answer(database: DatabaseSync, rows: StoreRows, command: Command): Answer {
  const isWrite = database.isTransaction;
  if (isWrite) database.exec('SAVEPOINT command');
  try {
    const done = run(rows, command);
    if (isWrite) database.exec('RELEASE command');
    return { done };
  } catch (error) {
    // These errors end the whole transaction, not only one command.
    if (isDiskFull(error) || endsTheStore(error) || database.isTransaction !== isWrite) throw error;
    if (isWrite) database.exec('ROLLBACK TO command; RELEASE command');
    return refusalOf(error);
  }
}

function run(rows: StoreRows, command: Command): unknown {
  const writer = writerOf(command);
  if (writer) rows.check(writer);
  const { name, args } = command;
  // The union ties each name to its arguments. The compiler cannot check that for a call by name.
  return (rows[name] as (args: unknown) => unknown).call(rows, args);
}

function refusalOf(error: unknown): Answer {
  if (error instanceof StaleEpochError) return { refused: { kind: 'staleEpoch', owner: error.owner } };
  if (error instanceof RevisionConflictError) return { refused: { kind: 'revisionConflict', ...error.revisions } };
  if (error instanceof TooManySubscriptionsError) return { refused: { kind: 'tooManySubscriptions', ...error.counts } };
  if (error instanceof StoreFullError) return { refused: { kind: 'full', reason: error.message } };
  return { refused: { kind: 'failed', reason: messageOf(error) } };
}
