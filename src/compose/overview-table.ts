import { headedTable } from '../base/output/terminal-table.ts';
import type { OverviewRow } from './lifecycle/forgotten.ts';

/** The rows as columns of text, for a terminal of so many columns. */
export function overviewTable(rows: readonly OverviewRow[], columns: number | undefined): string {
  const head = ['PROJECT', 'SERVICE', 'ROLE', 'STATE', 'CONTAINER', 'PLUGIN', 'PORTS', ''];
  return headedTable(head, rows.map(cellsOf), columns).join('\n');
}

function cellsOf(row: OverviewRow): string[] {
  const { project, service, role, state, container, plugins, ports, isForgotten, isOpen } = row;
  const notes = [...(isForgotten ? ['forgotten: compose gc'] : []), ...(isOpen ? ['open: no policy'] : [])];
  return [project, service, role, state, container, plugins.join(','), ports.join(','), notes.join(', ')];
}
