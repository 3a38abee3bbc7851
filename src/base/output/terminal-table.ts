import { alignColumns } from '../align-columns.ts';
import { wrapWords } from './wrapped-text.ts';

// `columns` is the width of a terminal. Absent: the text is for a program or a log, and of any width.

/** Below this a column of text is harder to read than lines that the terminal breaks. */
const textWidthMin = 20;

/** A table with headings. In a terminal that is narrower than the table, each row is a block of lines. */
export function headedTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number | undefined,
): string[] {
  const lines = alignColumns([headings, ...rows]);
  if (columns === undefined || lines.every(({ length }) => length <= columns)) return lines;
  return rows.flatMap((row, index) => {
    const fields = row.flatMap((cell, column) => (cell === '' ? [] : [[headings[column] ?? '', cell]]));
    return [...(index === 0 ? [] : ['']), ...wrappedRows(fields, columns)];
  });
}

/** Aligned rows whose last cell is a text. In a terminal the text continues in its own column. */
export function wrappedRows(rows: readonly (readonly string[])[], columns: number | undefined): string[] {
  const aligned = alignColumns(rows.map((row) => [...row.slice(0, -1), '|']));
  const start = Math.max(0, ...aligned.map((line) => line.lastIndexOf('|')));
  const width = columns === undefined ? Infinity : Math.max(textWidthMin, columns - start);
  return rows.flatMap((row, index) => {
    const [first = '', ...others] = wrapWords(row.at(-1) ?? '', width);
    const before = (aligned[index] ?? '').slice(0, -1).padEnd(start);
    return [`${before}${first}`.trimEnd(), ...others.map((line) => `${' '.repeat(start)}${line}`)];
  });
}
