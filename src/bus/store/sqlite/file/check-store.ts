import { checked } from '../checksum.ts';
import { Statements } from '../rows/statements.ts';
import { checkPages, raiseSchema, type StorePlace, withStoreFile } from './store-file.ts';

/** The contents of a store. */
export interface StoreContents {
  readonly bytes: number;
  readonly messages: number;
  readonly subscriptions: number;
  readonly states: number;
  readonly instances: number;
  readonly decisions: number;
}

/**
 * Checks all of a store that no bus has open, and changes nothing. `onProgress` gets the checked share of it, from 0 to 1.
 * @throws UserFacingError `bus/store/…` if it is damaged.
 */
export function checkStore(
  path: string,
  lockTimeoutMs: number,
  onProgress: (share: number) => void = () => {},
): Promise<StoreContents> {
  return withCheckedStore({ path, lockTimeoutMs }, (sql) => contentsOf(sql, onProgress));
}

/** SQLite has read every page once by then, in one statement. The messages are read again. */
const shareOfPages = 0.5;

/**
 * Checks every page of a store that no bus has open, for `use` to read it by the current schema. The file stays as it is.
 * @throws UserFacingError `bus/store/…`
 */
export function withCheckedStore<T>(place: StorePlace, use: (sql: Statements) => T): Promise<T> {
  return withStoreFile(place, (database) => {
    database.exec('BEGIN IMMEDIATE');
    try {
      checkPages(database, 'integrity_check');
      // Raises an older file to the current schema so that it can be read. This is undone below.
      raiseSchema(database, Number(database.prepare('PRAGMA user_version').get()?.['user_version']));
      return use(new Statements(database));
    } finally {
      if (database.isTransaction) database.exec('ROLLBACK');
    }
  });
}

function contentsOf(sql: Statements, onProgress: (share: number) => void): StoreContents {
  const count = (table: string): number =>
    Number(sql.get<{ count: bigint }>(`SELECT count(*) AS count FROM ${table}`)?.count);
  const messageCount = count('message');
  let read = 0;
  const messages = sql.iterate<Stored>('SELECT position AS name, envelope AS bytes, checksum FROM message');
  for (const { name, bytes, checksum } of messages) {
    onProgress(shareOfPages + (1 - shareOfPages) * (read / messageCount));
    checked(bytes, checksum, `the message at position ${name}`);
    read += 1;
  }
  const states = sql.iterate<Stored>('SELECT instance_id AS name, state AS bytes, checksum FROM state');
  for (const { name, bytes, checksum } of states) checked(bytes, checksum, `the state of ${name}`);
  return {
    bytes: Number(sql.get<{ bytes: bigint }>('SELECT bytes + other_bytes AS bytes FROM log')?.bytes),
    messages: messageCount,
    subscriptions: count('subscription'),
    states: count('state'),
    instances: count('instance'),
    decisions: count('grant_decision'),
  };
}

interface Stored {
  readonly name: bigint | string;
  readonly bytes: Uint8Array;
  readonly checksum: bigint | null;
}
