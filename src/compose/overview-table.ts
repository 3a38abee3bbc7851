import { alignColumns } from '../base/align-columns.ts';
import type { OverviewRow } from './lifecycle/forgotten.ts';

/** The rows as columns of text for a terminal. */
export function overviewTable(rows: readonly OverviewRow[]): string {
  const head = ['PROJECT', 'SERVICE', 'ROLE', 'STATE', 'CONTAINER', 'PLUGIN', 'PORTS', ''];
  return alignColumns([head, ...rows.map(cellsOf)]).join('\n');
}

function cellsOf({ project, service, role, state, container, plugins, ports, isForgotten }: OverviewRow): string[] {
  return [
    ...[project, service, role, state, container, plugins.join(','), ports.join(',')],
    isForgotten ? 'forgotten: compose gc' : '',
  ];
}
