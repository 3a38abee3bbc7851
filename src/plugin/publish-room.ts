/** What may be unanswered: as many publishes as the largest outbox of a sidecar holds. */
const unansweredMax = { messages: 65_536, bytes: 64 * 1024 * 1024 };

interface InLine {
  readonly bytes: number;
  readonly enter: () => void;
}

/** The room for publishes that have no answer. Without it, a sidecar that answers nothing would fill the memory of the plugin. */
export class PublishRoom {
  #messages = 0;
  #bytes = 0;
  /** A set, because the first of a long array takes long to remove. */
  readonly #line = new Set<InLine>();
  /** Those that have room already, and are not sent yet, included. */
  #inLine = 0;

  /** Whether the publish has room, and none waits before it. Then the room is taken. */
  take(bytes: number): boolean {
    if (this.#inLine > 0 || !this.#fits(bytes)) return false;
    this.#count(bytes);
    return true;
  }

  /** Waits for room, in the order of the calls, and takes it. `endTurn` lets later publishes go at once again. */
  turn(bytes: number): Promise<void> {
    this.#inLine += 1;
    return new Promise((enter) => {
      this.#line.add({ bytes, enter });
      this.#admit();
    });
  }

  endTurn(): void {
    this.#inLine -= 1;
  }

  give(bytes: number): void {
    this.#messages -= 1;
    this.#bytes -= bytes;
    this.#admit();
  }

  #admit(): void {
    for (const first of this.#line) {
      if (!this.#fits(first.bytes)) return;
      this.#line.delete(first);
      this.#count(first.bytes);
      first.enter();
    }
  }

  /** One alone always fits: what is too large is refused by the sidecar. */
  #fits(bytes: number): boolean {
    if (this.#messages === 0) return true;
    return this.#messages < unansweredMax.messages && this.#bytes + bytes <= unansweredMax.bytes;
  }

  #count(bytes: number): void {
    this.#messages += 1;
    this.#bytes += bytes;
  }
}
