import type { PublishOutcome } from '../../sidecar/bus-link/outbox.ts';

/** The most different reasons that are kept. */
const reasonsMax = 5;

/** What became of the publishes of one command. */
export class PublishTotals {
  accepted = 0;
  duplicates = 0;
  refused = 0;
  unknown = 0;
  #lastMessageId = '';
  readonly #reasons = new Map<string, number>();

  add(outcome: PublishOutcome): void {
    this[outcome.kind] += 1;
    if (outcome.kind === 'accepted') {
      this.duplicates += Number(outcome.duplicate);
      this.#lastMessageId = outcome.messageId;
    } else if (this.#reasons.has(outcome.reason) || this.#reasons.size < reasonsMax) {
      this.#reasons.set(outcome.reason, (this.#reasons.get(outcome.reason) ?? 0) + 1);
    }
  }

  /** How many have an outcome. */
  get ended(): number {
    return this.accepted + this.refused + this.unknown;
  }

  reasons(): string[] {
    return [...this.#reasons].map(([reason, count]) => (count === 1 ? reason : `${reason} (${count} times)`));
  }

  report() {
    const { accepted, duplicates, refused, unknown } = this;
    const reasons = [...this.#reasons].map(([reason, count]) => ({ reason, count }));
    return { accepted, duplicates, refused, unknown, lastMessageId: this.#lastMessageId, reasons };
  }

  /** @example 'accepted 2 of 3, refused 1; the last is shell-ada-1-1-2' */
  sentence(count: number): string {
    const { accepted, duplicates, refused, unknown } = this;
    const parts = [
      `accepted ${accepted} of ${count}`,
      ...(duplicates > 0 ? [`of these ${duplicates} as duplicates, not stored again`] : []),
      ...(refused > 0 ? [`refused ${refused}`] : []),
      ...(unknown > 0 ? [`unknown ${unknown}`] : []),
    ];
    return `${parts.join(', ')}${this.#lastMessageId === '' ? '' : `; the last is ${this.#lastMessageId}`}`;
  }
}
