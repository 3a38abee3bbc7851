import type { SealedLine } from '../audit-chain.ts';
import { FileCheck } from './file-check.ts';
import type { Finding } from './finding.ts';
import { JoinedPoints, joinedMax, type PointCounts } from './joined-points.ts';
import { checkBeginnings, checkRun, type RunSummary } from './run-check.ts';

/** Where a chain is known to have been, from another place than the files. */
export interface KnownHead {
  readonly run: string;
  readonly seq: number;
  readonly chain: string;
}

export interface Verdict {
  readonly files: readonly { readonly file: string; readonly lines: number }[];
  readonly runs: readonly RunSummary[];
  readonly messages: PointCounts;
  /** At most `findingsMax`. */
  readonly findings: readonly Finding[];
  /** How many there are beside those. */
  readonly more: number;
}

/** Findings that a verdict lists. */
const findingsMax = 10_000;

/** An audit log, and its lines. */
export interface AuditFile {
  readonly name: string;
  readonly lines: AsyncIterable<string>;
}

/**
 * Checks the chains of audit logs, of the files together, and joins the points of their messages. Memory grows with the messages, not with the
 * files. @throws the system's error of a file that cannot be read
 */
export async function verifyAudit(files: readonly AuditFile[], heads: readonly KnownHead[]): Promise<Verdict> {
  const findings: Finding[] = [];
  let more = 0;
  const onFinding = (finding: Finding): void => {
    if (findings.length < findingsMax) findings.push(finding);
    else more += 1;
  };
  const points = new JoinedPoints();
  const seen = new HeadWatch(heads);
  const checks: { readonly file: string; readonly check: FileCheck }[] = [];
  for (const { name, lines } of files) {
    const check = new FileCheck(name, onFinding);
    checks.push({ file: name, check });
    for await (const text of lines) {
      const line = check.add(text);
      if (!line) continue;
      points.add(line);
      seen.add(line);
    }
    check.end();
  }
  const segments = checks.flatMap(({ check }) => check.segments);
  const runs = [...Map.groupBy(segments, ({ run }) => run).values()].map((each) => checkRun(each, onFinding));
  checkBeginnings(segments, onFinding);
  seen.end(onFinding);
  const writers = new Set(runs.flatMap(({ writer }) => writer ?? []));
  for (const { messageId, traceId, text } of points.missing(writers)) {
    onFinding({ kind: 'missing', file: '', text: `message ${messageId} of trace ${traceId}: ${text}` });
  }
  if (points.isFull) onFinding({ kind: 'missing', file: '', text: `only the first ${joinedMax} messages were joined` });
  return {
    files: checks.map(({ file, check }) => ({ file, lines: check.lines })),
    runs,
    messages: points.counts(),
    findings,
    more,
  };
}

/** Compares heads that were kept elsewhere. */
class HeadWatch {
  readonly #waiting: Map<string, KnownHead>;
  readonly #wrong: KnownHead[] = [];

  constructor(heads: readonly KnownHead[]) {
    this.#waiting = new Map(heads.map((head) => [`${head.run} ${head.seq}`, head]));
  }

  add({ run, seq, chain }: SealedLine): void {
    if (this.#waiting.size === 0) return;
    const key = `${run} ${seq}`;
    const head = this.#waiting.get(key);
    if (!head) return;
    this.#waiting.delete(key);
    if (head.chain !== chain) this.#wrong.push(head);
  }

  end(onFinding: (finding: Finding) => void): void {
    for (const { run, seq } of this.#wrong) {
      const text = `line ${seq} of run ${run} has another hash than the one that was kept: the chain was made anew`;
      onFinding({ kind: 'changed', file: '', text });
    }
    for (const { run, seq } of this.#waiting.values()) {
      onFinding({
        kind: 'cut',
        file: '',
        text: `line ${seq} of run ${run}, whose hash was kept, is in none of these files`,
      });
    }
  }
}
