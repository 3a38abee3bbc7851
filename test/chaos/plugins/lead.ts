import type { LedgerEntry } from '../entries.ts';
import type { JournalReader } from '../journal.ts';

/** How far a publisher may be ahead of the ledger on one topic, so that no run ends with a long wait for it. */
const leadMax = 25;

/** How far the ledger has come with one publisher's messages, by what it writes down. */
export class Lead {
  readonly #journal: JournalReader<LedgerEntry>;
  readonly #publisher: string;
  readonly #newest = new Map<string, number>();
  #seen = 0;

  constructor(journal: JournalReader<LedgerEntry>, publisher: string) {
    this.#journal = journal;
    this.#publisher = publisher;
  }

  /** Resolves when this number is not too far ahead. @throws Error when the ledger has stalled. */
  async allows(topic: string, number: number): Promise<void> {
    await this.#journal.until(`${topic} ${number - leadMax}`, (entries) => {
      for (; this.#seen < entries.length; this.#seen += 1) this.#note(entries[this.#seen]);
      return (this.#newest.get(topic) ?? 0) >= number - leadMax;
    });
  }

  #note(entry: LedgerEntry | undefined): void {
    if (entry?.kind !== 'received' || entry.publisher !== this.#publisher) return;
    this.#newest.set(entry.topic, Math.max(entry.number, this.#newest.get(entry.topic) ?? 0));
  }
}
