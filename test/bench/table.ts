import type { Aim } from './benchmark.ts';
import type { MissingRow, Row } from './row.ts';

const headings = ['row', 'measured', 'beside', 'ratio', 'low–high', '÷ http2', 'aim', 'met'];

/** The rows as a Markdown table, which reads as well on a terminal. */
export function renderTable(rows: readonly (Row | MissingRow)[]): string {
  const cells = rows.map((row) => ('missing' in row ? missingCells(row) : rowCells(row)));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |\n`;
  return [headings, widths.map((width) => '-'.repeat(width)), ...cells].map(line).join('');
}

function rowCells({ row, measured, unit, beside, baseline, ratio, lowest, highest, http2Ratio, aim, met }: Row) {
  return [
    row,
    `${short(measured)} ${unit}`,
    `${beside} ${short(baseline)}`,
    short(ratio),
    `${short(lowest)}–${short(highest)}`,
    http2Ratio === undefined ? '' : short(http2Ratio),
    aim ? aimText(aim) : '',
    met === undefined ? '' : met ? 'yes' : 'NO',
  ];
}

function missingCells({ row, beside, aim, missing }: MissingRow): string[] {
  return [row, `needs ${missing}`, beside, '', '', '', aim ? aimText(aim) : '', ''];
}

/** `≤ 0.25 ×` of a ratio, `≤ + 15` of a difference, `≤ 75` of the figure by itself. */
function aimText({ of, atLeast, atMost }: Aim): string {
  const value = atLeast === undefined ? `≤ ${of === 'difference' ? '+ ' : ''}${atMost}` : `≥ ${atLeast}`;
  return of === 'ratio' ? `${value} ×` : value;
}

/** Three digits that count; more would claim what one run cannot know. */
function short(value: number): string {
  return value >= 100 ? Math.round(value).toString() : value.toPrecision(3);
}
