import { chainHash } from '../audit-chain.ts';
import type { Finding } from './finding.ts';
import { isClosing, isOpening, type Segment, writerOf } from './segment.ts';

/** One run over all files, as the verdict shows it. */
export interface RunSummary {
  readonly run: string;
  /** `bus` or an instance id; absent if the opening line is missing. */
  readonly writer?: string;
  readonly lines: number;
  /** Lines that the writer itself says it lost. */
  readonly lost: number;
  readonly isClosed: boolean;
  readonly files: readonly string[];
  /** Of the newest line: what to keep elsewhere, and to verify a copy against. */
  readonly head: { readonly seq: number; readonly chain: string };
}

/** Joins the segments of one run, of however many files, and reports what is missing between them. */
export function checkRun(all: readonly Segment[], onFinding: (finding: Finding) => void): RunSummary {
  const segments = all.toSorted((one, other) => one.first.seq - other.first.seq);
  const [first] = segments;
  const last = segments.at(-1);
  if (!first || !last) throw new RangeError('a run without a segment');
  const lost = segments.reduce((sum, segment) => sum + segment.lost, 0);
  checkGaps(segments, lost, onFinding);
  for (const [index, segment] of segments.slice(1).entries()) checkJoint(segments[index] ?? first, segment, onFinding);
  const writer = writerOf(first.first) ?? writerOf(last.last);
  if (!isOpening(first.first)) {
    const text = `run ${first.run} begins with line ${first.first.seq}: the lines before are in none of these files`;
    onFinding({ kind: 'cut', file: first.file, line: first.firstLine, text });
  }
  if (!isClosing(last.last)) {
    const text = `run ${last.run} has no closing line: its process runs or was killed, or lines were cut`;
    onFinding({ kind: 'unfinished', file: last.file, line: last.lastLine, text });
  }
  return {
    run: first.run,
    ...(writer !== undefined && { writer }),
    lines: segments.reduce((sum, segment) => sum + segment.lines, 0),
    lost,
    isClosed: isClosing(last.last),
    files: [...new Set(segments.map(({ file }) => file))],
    head: { seq: last.last.seq, chain: last.last.chain },
  };
}

/** Lines that the writer says it lost leave gaps. */
function checkGaps(segments: readonly Segment[], lost: number, onFinding: (finding: Finding) => void): void {
  let explained = lost;
  for (const { file, run, gaps } of segments) {
    for (const { before, lines } of gaps) {
      explained -= lines;
      if (explained >= 0) continue;
      const text = `${lines} ${lines === 1 ? 'line' : 'lines'} of run ${run} before this one ${lines === 1 ? 'is' : 'are'} missing`;
      onFinding({ kind: 'cut', file, line: before, text });
    }
  }
}

function checkJoint(
  before: Segment,
  { file, run, first, firstLine }: Segment,
  onFinding: (finding: Finding) => void,
): void {
  const missing = first.seq - before.last.seq - 1;
  if (missing < 0) {
    const text = `line ${first.seq} of run ${run} is in ${before.file}, too`;
    onFinding({ kind: 'added', file, line: firstLine, text });
  } else if (missing > 0) {
    const text = `${missing} ${missing === 1 ? 'line' : 'lines'} of run ${run} are missing between ${before.file} and this one`;
    onFinding({ kind: 'cut', file, line: firstLine, text });
  } else if (chainHash(before.last.chain, first.text) !== first.chain) {
    const text = `this line, or the last of ${before.file}, is not as it was written: their hash is another`;
    onFinding({ kind: 'changed', file, line: firstLine, text });
  }
}

/** Reports a run that began behind another line than the one that its opening line names. */
export function checkBeginnings(segments: readonly Segment[], onFinding: (finding: Finding) => void): void {
  const ends = new Set(segments.map(({ last }) => last.chain));
  for (const { file, run, first, firstLine, preceding } of segments) {
    const after = isOpening(first) ? first.record['after'] : undefined;
    if (typeof after !== 'string' || after === preceding) continue;
    // The file was moved away in between, and its lines are in another one.
    if (preceding === undefined && ends.has(after)) continue;
    const text = `run ${run} began behind a line that ${preceding === undefined ? 'is in none of these files' : 'does not stand before it'}`;
    onFinding({ kind: 'cut', file, line: firstLine, text });
  }
}
