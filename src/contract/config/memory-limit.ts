const unitBytes: Readonly<Record<string, number>> = { M: 1024 ** 2, G: 1024 ** 3 };

/**
 * Reads MEMORY_LIMIT as Cloud Foundry writes it. Undefined for any other text.
 * @example parseMemoryLimit('128M') // 134217728
 */
export function parseMemoryLimit(text: string): number | undefined {
  const match = /^(\d{1,9})([MG])B?$/i.exec(text.trim());
  const bytes = Number(match?.[1] ?? 0) * (unitBytes[match?.[2]?.toUpperCase() ?? ''] ?? 0);
  return bytes > 0 ? bytes : undefined;
}
