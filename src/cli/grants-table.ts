import type { Grant } from '../contract/wire/grants.ts';

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
  const lines = [[...headings], ...cells];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
