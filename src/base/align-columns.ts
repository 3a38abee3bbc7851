/** The rows as lines of aligned columns, separated by two blanks. A cell wider than `widthMax` shifts the rest of its line. */
export function alignColumns(rows: readonly (readonly string[])[], widthMax = Number.POSITIVE_INFINITY): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.min(widthMax, Math.max(...rows.map((row) => row[column]?.length ?? 0))),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
