const places = 256;

/**
 * Short texts that were decoded lately. Nearly every message repeats topics, types and names: to compare bytes with a text that is
 * there takes a third of decoding them, and messages that are kept share it.
 */
export class RecentTexts {
  readonly #texts: string[] = Array.from({ length: places }, () => '');

  /** The text of these bytes, at least one, if it came lately. */
  find(bytes: Uint8Array, start: number, end: number): string | undefined {
    const text = this.#texts[placeOf(bytes, start, end)] as string;
    if (text.length !== end - start) return undefined;
    for (let at = start; at < end; at += 1) if (text.charCodeAt(at - start) !== bytes[at]) return undefined;
    return text;
  }

  /** Takes the place of a text before. Only ASCII is kept: its bytes are the units of its text. */
  keep(text: string, bytes: Uint8Array, start: number, end: number): void {
    if (text.length === end - start) this.#texts[placeOf(bytes, start, end)] = text;
  }
}

function placeOf(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start] as number;
  const middle = bytes[(start + end) >> 1] as number;
  const last = bytes[end - 1] as number;
  return ((end - start) * 31 + first * 7 + middle * 13 + last * 17) % places;
}
