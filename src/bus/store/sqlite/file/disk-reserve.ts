import { closeSync, constants, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';

const MiB = 1024 * 1024;

/** Enough to move the log that SQLite writes beside its file into that file, which may have to grow by all of it. */
const reserveBytes = 8 * MiB;

/** The reserve is not taken of the last bytes of a disk, which others need too. */
const leftBytes = MiB;

/** Room on the store's disk, in a file beside it, that is given up when the disk is full, and made again once there is room. */
export class DiskReserve {
  readonly #path: string;
  #isHeld = false;

  /** `storePath` is absolute. A reserve that a killed process has left is held. */
  constructor(storePath: string) {
    this.#path = `${storePath}-reserve`;
    this.#isHeld = statSync(this.#path, { throwIfNoEntry: false })?.size === reserveBytes;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Makes the reserve if there is room for it. */
  hold(): void {
    if (this.#isHeld) return;
    try {
      const { bavail, bsize } = statfsSync(this.#path.slice(0, this.#path.lastIndexOf('/') + 1));
      if (bavail * bsize < reserveBytes + leftBytes) return;
      this.#write();
      this.#isHeld = true;
    } catch {
      // Others took the room, or a quota that `statfs` does not show forbids it.
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
