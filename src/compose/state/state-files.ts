import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeFolders } from '../../base/files/make-folders.ts';

/** The progress or result of one service on one engine, written before each step. */
export interface JournalEntry {
  /** `creating`: an `up` has begun and not ended. */
  readonly phase: 'creating' | 'up' | 'removing';
  /** The engine's own id. */
  readonly engine: string;
  /** The engine's address, for messages. */
  readonly endpoint: string;
  readonly project: string;
  readonly service: string;
}

/** The provider's files, which outlive its calls, in one folder of the user. */
export class StateFiles {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** The entries of the service, on all engines; an unreadable entry is ignored. */
  entries({ project, service }: ServiceKey): JournalEntry[] {
    return this.allEntries().filter((entry) => entry.project === project && entry.service === service);
  }

  allEntries(): JournalEntry[] {
    const folder = path.join(this.#root, 'journal');
    const files = ifThere(() => readdirSync(folder, { recursive: true, encoding: 'utf8' })) ?? [];
    return files
      .filter((file) => file.endsWith('.json'))
      .flatMap(
        (file) => ifThere(() => JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as JournalEntry) ?? [],
      );
  }

  /** Replaced atomically, so that a kill leaves either the old entry or the new one. */
  write(entry: JournalEntry): void {
    const file = this.#journalFile(entry);
    makeFolders(path.dirname(file), 0o700);
    writeFileSync(`${file}.new`, `${JSON.stringify(entry)}\n`);
    renameSync(`${file}.new`, file);
  }

  forget(entry: Pick<JournalEntry, 'engine' | 'project' | 'service'>): void {
    rmSync(this.#journalFile(entry), { force: true });
  }

  logFile({ project, service }: ServiceKey): string {
    return path.join(this.#root, 'logs', project, `${service}.log`);
  }

  /**
   * Takes a lock that one process at a time can hold. The kernel frees the lock of a process that dies, so it is never stale.
   * @returns a function that frees the lock, or undefined when another process holds it.
   */
  tryLock(name: string): (() => void) | undefined {
    const file = path.join(this.#root, 'locks', `${name}.lock`);
    makeFolders(path.dirname(file), 0o700);
    const database = new DatabaseSync(file, { timeout: 0 });
    try {
      database.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      database.close();
      if ((error as { readonly errcode?: number }).errcode === sqliteBusy) return undefined;
      throw error;
    }
    return () => database.close();
  }

  #journalFile({ engine, project, service }: Pick<JournalEntry, 'engine' | 'project' | 'service'>): string {
    return path.join(this.#root, 'journal', encodeURIComponent(engine), project, `${service}.json`);
  }
}

export interface ServiceKey {
  readonly project: string;
  readonly service: string;
}

const sqliteBusy = 5;

/** The function's result; undefined when a file is missing or of another kind. */
function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
