import { chainHash, type SealedLine, unseal } from '../audit-chain.ts';
import type { Finding } from './finding.ts';
import type { Segment } from './segment.ts';

const unsealedRecord = /^\{.*"point":".*\}$/;

/** Checks the lines of one file, one after the other, each against the one before it. */
export class FileCheck {
  readonly #file: string;
  readonly #onFinding: (finding: Finding) => void;
  readonly segments: Segment[] = [];
  /** Audit records without a chain since the last line with one. */
  #foreign: { readonly from: number; count: number } | undefined;
  #line = 0;

  constructor(file: string, onFinding: (finding: Finding) => void) {
    this.#file = file;
    this.#onFinding = onFinding;
  }

  get lines(): number {
    return this.#line;
  }

  /** Returns the line taken apart, if it is one of a chain. */
  add(text: string): SealedLine | undefined {
    this.#line += 1;
    const line = unseal(text);
    if (!line) {
      // On stdout lines of the log stand between, and a write that failed may have left half a line.
      if (!unsealedRecord.test(text)) return undefined;
      this.#foreign ??= { from: this.#line, count: 0 };
      this.#foreign.count += 1;
      return undefined;
    }
    const segment = this.segments.at(-1);
    if (segment?.run === line.run) this.#follow(segment, line);
    else this.#begin(line, segment?.last.chain);
    return line;
  }

  end(): void {
    this.#tellForeign();
  }

  #begin(line: SealedLine, preceding: string | undefined): void {
    this.#tellForeign();
    const earlier = this.segments.findLast(({ run }) => run === line.run);
    if (earlier && earlier.last.seq > line.seq) this.#tellMisplaced(line, earlier.last);
    // The first line of a run has nothing before it.
    if (line.seq === 0 && chainHash('', line.text) !== line.chain) this.#tellChanged();
    const where = { file: this.#file, run: line.run, firstLine: this.#line, lastLine: this.#line };
    this.segments.push({ ...where, first: line, last: line, lines: 1, lost: lostBy(line), gaps: [], preceding });
  }

  #follow(segment: Segment, line: SealedLine): void {
    const missing = line.seq - segment.last.seq - 1;
    if (missing < 0) {
      this.#tellMisplaced(line, segment.last);
      return;
    }
    this.#tellForeign();
    if (missing > 0) segment.gaps.push({ before: this.#line, lines: missing });
    else if (chainHash(segment.last.chain, line.text) !== line.chain) this.#tellChanged();
    segment.last = line;
    segment.lastLine = this.#line;
    segment.lines += 1;
    segment.lost += lostBy(line);
  }

  #tellForeign(): void {
    if (!this.#foreign) return;
    const { from, count } = this.#foreign;
    this.#foreign = undefined;
    const what = count === 1 ? 'this line belongs' : `these ${count} lines belong`;
    this.#onFinding({ kind: 'added', file: this.#file, line: from, text: `${what} to no chain` });
  }

  #tellMisplaced({ run, seq }: SealedLine, before: SealedLine): void {
    this.#tell('added', `line ${seq} of run ${run} stands behind line ${before.seq} of it`);
  }

  #tellChanged(): void {
    this.#tell('changed', 'this line, or the one before, is not as it was written: their hash is another');
  }

  #tell(kind: Finding['kind'], text: string): void {
    this.#onFinding({ kind, file: this.#file, line: this.#line, text });
  }
}

function lostBy({ record }: SealedLine): number {
  return record['point'] === 'lost' && typeof record['lines'] === 'number' ? record['lines'] : 0;
}
