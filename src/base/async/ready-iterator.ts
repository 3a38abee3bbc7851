/** An iterator that can also be asked for what is there already. Taking a burst so costs no promise for each item. */
export interface ReadyIterator<T> extends AsyncIterator<T> {
  /**
   * The next item if it is there. Undefined while there is none, at the end and after a failure: `next` tells which. Absent: only
   * `next` gives items. @throws the failure that this item is
   */
  takeReady?(): T | undefined;
}

/**
 * Calls `handle` with each item, a burst in one go, and waits for the promises that it returns. Resolves at the end of the items.
 * @throws the failure of the items or of `handle`, which then get no reader any more
 */
export async function forEachReady<T>(
  items: ReadyIterator<T>,
  handle: (item: T) => Promise<unknown> | undefined,
): Promise<void> {
  let isOver = false;
  try {
    for (let next = await items.next(); !next.done; next = await items.next()) {
      for (let item: T | undefined = next.value; item !== undefined; item = items.takeReady?.()) {
        const pause = handle(item);
        if (pause) await pause;
      }
    }
    isOver = true;
  } finally {
    if (!isOver) await items.return?.();
  }
}
