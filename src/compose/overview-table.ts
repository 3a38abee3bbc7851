import type { OverviewRow } from './forgotten.ts';

/** The rows as columns of text for a terminal. */
export function overviewTable(rows: readonly OverviewRow[]): string {
  const head = ['PROJECT', 'SERVICE', 'ROLE', 'STATE', 'CONTAINER', 'PLUGIN', ''];
  const lines = [head, ...rows.map(cellsOf)];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cellsOf({ project, service, role, state, container, plugins, isForgotten }: OverviewRow): string[] {
  return [project, service, role, state, container, plugins.join(','), isForgotten ? 'forgotten: compose gc' : ''];
}
