const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * Writes whole milliseconds in the largest unit without a fraction. Reading the text gives the same value.
 * @example formatDuration(600_000) // '10m'
 */
export function formatDuration(ms: number): string {
  const units = Object.entries(unitMs).filter(([, size]) => ms >= size && ms % size === 0);
  const [unit, size] = units.at(-1) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}

/**
 * Reads a duration such as `500ms`, `8s` or `10m` as milliseconds. Undefined if it is not a duration.
 * @example parseDurationMs('8s') // 8000
 */
export function parseDurationMs(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h)$/.exec(text.trim());
  if (!match) return undefined;
  return Number(match[1]) * (unitMs[match[2] ?? ''] ?? Number.NaN);
}
