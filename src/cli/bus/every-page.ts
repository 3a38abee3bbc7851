/** One answer to a question for a list, and what to ask for after it; undefined after the last. */
export interface Page<Item, Cursor> {
  readonly items: readonly Item[];
  readonly next: Cursor | undefined;
}

/** Asks for page after page. Resolves with all items. */
export async function everyPage<Item, Cursor>(
  ask: (after: Cursor | undefined) => Promise<Page<Item, Cursor>>,
): Promise<Item[]> {
  const found: Item[] = [];
  let after: Cursor | undefined;
  do {
    const { items, next } = await ask(after);
    found.push(...items);
    after = next;
  } while (after !== undefined);
  return found;
}
