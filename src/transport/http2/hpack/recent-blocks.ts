const blocks = 8;
/** A larger block is decoded each time, so that a connection's peer cannot have us remember much. */
const blockBytes = 256;

interface Slot<Meaning> {
  readonly bytes: Uint8Array;
  length: number;
  meaning: Meaning;
}

/** What the last blocks meant that changed no table. */
export class RecentBlocks<Meaning extends object> {
  readonly #slots: Slot<Meaning>[] = [];
  /** Later slots have nothing that may be found. */
  #used = 0;
  #next = 0;

  find(block: Uint8Array): Meaning | undefined {
    for (let index = 0; index < this.#used; index++) {
      const slot = this.#slots[index];
      if (slot !== undefined && isSame(slot, block)) return slot.meaning;
    }
    return undefined;
  }

  add(block: Uint8Array, meaning: Meaning): void {
    const { length } = block;
    if (length > blockBytes) return;
    const slot = this.#slots[this.#next] ?? { bytes: new Uint8Array(blockBytes), length, meaning };
    slot.bytes.set(block);
    slot.length = length;
    slot.meaning = meaning;
    this.#slots[this.#next] = slot;
    this.#next = (this.#next + 1) % blocks;
    this.#used = Math.min(this.#used + 1, blocks);
  }

  /** The table has changed, so the same bytes may mean something else. */
  clear(): void {
    this.#used = 0;
    this.#next = 0;
  }
}

/** Blocks of one length differ at the end mostly: in the time that is left, and in the trace. */
function isSame({ bytes, length }: Slot<unknown>, block: Uint8Array): boolean {
  if (length !== block.length) return false;
  for (let index = length - 1; index >= 0; index--) {
    if (bytes[index] !== block[index]) return false;
  }
  return true;
}
