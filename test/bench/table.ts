import type { Row } from './benchmark.ts';

const headings = ['benchmark', 'what', 'ratio', 'lowest – highest', 'measured', 'baseline', 'unit'];

/** The rows as a Markdown table, which reads as well on a terminal. */
export function renderTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.benchmark,
    row.what,
    short(row.ratio),
    `${short(row.lowest)} – ${short(row.highest)}`,
    short(row.measured),
    short(row.baseline),
    row.unit,
  ]);
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |\n`;
  return [headings, widths.map((width) => '-'.repeat(width)), ...cells].map(line).join('');
}

/** Three digits that count; more would claim what one run cannot know. */
function short(value: number): string {
  return value >= 100 ? Math.round(value).toString() : value.toPrecision(3);
}
