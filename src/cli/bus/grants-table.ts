import { alignColumns } from '../../base/align-columns.ts';
import type { Grant } from '../../contract/wire/grants.ts';

/** One row of `bus grants list`, which is also what `--json` prints. */
export interface GrantRow extends Grant {
  readonly instance: string;
  readonly standing: string;
  readonly why: string;
  /** The administrator whose decision it rests on, with when it was made, in ISO 8601. */
  readonly decidedBy?: string;
  readonly decidedAt?: string;
}

const headings = ['INSTANCE', 'ACTION', 'PATTERN', 'STANDING', 'WHY'] as const;

/** Aligned columns under their headings. */
export function grantsTable(rows: readonly GrantRow[]): string {
  const cells = rows.map(({ instance, action, pattern, standing, why }) => [instance, action, pattern, standing, why]);
  return `${alignColumns([headings, ...cells]).join('\n')}\n`;
}
