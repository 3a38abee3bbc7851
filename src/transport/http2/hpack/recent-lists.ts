const lists = 8;

interface Slot<List> {
  list: List;
  /** Undefined until the list is sent again: one that is made for each message is not worth a copy. */
  block: Uint8Array | undefined;
}

/** The blocks of the last lists, told apart by identity, that changed no table. */
export class RecentLists<List extends object> {
  #slots: Slot<List>[] = [];
  #next = 0;

  find(list: List): Uint8Array | undefined {
    return this.#slotOf(list)?.block;
  }

  add(list: List, block: Uint8Array): void {
    const slot = this.#slotOf(list);
    // A copy, since the block is a part of larger memory.
    if (slot !== undefined) slot.block = block.slice();
    else {
      this.#slots[this.#next] = { list, block: undefined };
      this.#next = (this.#next + 1) % lists;
    }
  }

  /** The tables have changed, so the same list may need other bytes. */
  clear(): void {
    this.#slots = [];
    this.#next = 0;
  }

  #slotOf(list: List): Slot<List> | undefined {
    const slots = this.#slots;
    for (let index = 0; index < slots.length; index++) {
      const slot = slots[index];
      if (slot?.list === list) return slot;
    }
    return undefined;
  }
}
