import { closeSync, constants, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';

const MiB = 1024 * 1024;

/** Enough to move SQLite's write-ahead log into the main file, which may have to grow by all of it. */
const reserveBytes = 8 * MiB;

/** The last bytes of a disk that the reserve leaves to other programs. */
const leftBytes = MiB;

/** A file beside the store that reserves disk space. It is released when the disk is full, and restored once there is space. */
export class DiskReserve {
  readonly #path: string;
  #isHeld = false;

  /** `storePath` is absolute. A reserve left by a killed process is adopted. */
  constructor(storePath: string) {
    this.#path = `${storePath}-reserve`;
    this.#isHeld = statSync(this.#path, { throwIfNoEntry: false })?.size === reserveBytes;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Creates the reserve if the disk has space for it. */
  hold(): void {
    if (this.#isHeld) return;
    try {
      const { bavail, bsize } = statfsSync(this.#path.slice(0, this.#path.lastIndexOf('/') + 1));
      if (bavail * bsize < reserveBytes + leftBytes) return;
      this.#write();
      this.#isHeld = true;
    } catch {
      // Other programs used the space, or a quota that `statfs` does not show forbids it.
      this.release();
    }
  }

  release(): void {
    this.#isHeld = false;
    rmSync(this.#path, { force: true });
  }

  #write(): void {
    const { O_CREAT, O_TRUNC, O_WRONLY, O_NOFOLLOW } = constants;
    const file = openSync(this.#path, O_CREAT | O_TRUNC | O_WRONLY | O_NOFOLLOW, 0o600);
    try {
      const block = Buffer.alloc(MiB);
      for (let written = 0; written < reserveBytes; ) {
        written += writeSync(file, block, 0, Math.min(block.length, reserveBytes - written));
      }
    } finally {
      closeSync(file);
    }
  }
}
