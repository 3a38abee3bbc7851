import { headedTable } from '../../base/output/terminal-table.ts';
import type { Grant } from '../../contract/wire/topics/grants.ts';

/** One row of `bus grants list`, which is also the output of `--json`. */
export interface GrantRow extends Grant {
  readonly instance: string;
  readonly standing: string;
  readonly why: string;
  /** The administrator who made the decision, and when, in ISO 8601. */
  readonly decidedBy?: string;
  readonly decidedAt?: string;
}

const headings = ['INSTANCE', 'ACTION', 'PATTERN', 'STANDING', 'WHY'] as const;

/** Aligned columns with headings, for a terminal of so many columns. */
export function grantsTable(rows: readonly GrantRow[], columns: number | undefined): string {
  const cells = rows.map(({ instance, action, pattern, standing, why }) => [instance, action, pattern, standing, why]);
  return `${headedTable(headings, cells, columns).join('\n')}\n`;
}
