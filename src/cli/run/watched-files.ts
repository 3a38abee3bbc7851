import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { type Scheduler, sleep } from '../../base/time/scheduler.ts';

/** Looking costs a few milliseconds for a thousand files. */
const lookEveryMs = 300;
/** Files that are looked at. The rest of a larger folder is not watched. */
const filesMax = 5_000;

/** What programs install or write, and no author edits. */
const skipped = /^(?:\..*|node_modules|__pycache__|venv|dist|build|target)$/;

/** The files below a folder. Hidden files and folders, and those of tools, are left out. */
export class WatchedFiles {
  readonly #folder: string;
  readonly #scheduler: Scheduler;
  /** How the files looked when their last change was told. */
  #before: Looks;

  private constructor(folder: string, scheduler: Scheduler, before: Looks) {
    this.#folder = folder;
    this.#scheduler = scheduler;
    this.#before = before;
  }

  /** `tell` gets one line if the folder holds more files than are watched. */
  static async open(folder: string, scheduler: Scheduler, tell: (text: string) => void): Promise<WatchedFiles> {
    const looks = await look(folder);
    if (looks.size >= filesMax) {
      tell(`--watch looks at ${filesMax} files, and this folder has more; start it in a smaller one to watch all`);
    }
    return new WatchedFiles(folder, scheduler, looks);
  }

  /**
   * Resolves with the name of a file that was changed, added or removed since the last call resolved, once nothing changes any more. With ''
   * when the signal aborts first.
   */
  async next(signal: AbortSignal): Promise<string> {
    let first: string | undefined;
    while (!signal.aborted) {
      const now = await look(this.#folder);
      const changed = differenceOf(this.#before, now);
      if (changed === undefined && first !== undefined) return first;
      first ??= changed;
      this.#before = now;
      await sleep(this.#scheduler, lookEveryMs, signal);
    }
    return '';
  }
}

type Looks = ReadonlyMap<string, string>;

async function look(folder: string): Promise<Looks> {
  const looks = new Map<string, string>();
  const folders = [folder];
  for (const each of folders) {
    for (const entry of await readdir(each, { withFileTypes: true }).catch(() => [])) {
      if (skipped.test(entry.name) || looks.size >= filesMax) continue;
      const file = path.join(each, entry.name);
      if (entry.isDirectory()) folders.push(file);
      const found = entry.isFile() ? await stat(file).catch(() => undefined) : undefined;
      if (found) looks.set(path.relative(folder, file), `${found.mtimeMs} ${found.size} ${found.ino}`);
    }
  }
  return looks;
}

function differenceOf(before: Looks, now: Looks): string | undefined {
  for (const [file, look] of now) if (before.get(file) !== look) return file;
  for (const file of before.keys()) if (!now.has(file)) return file;
  return undefined;
}
