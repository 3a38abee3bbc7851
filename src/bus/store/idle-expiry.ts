/** How long positions that nobody uses are kept. */
export interface IdleExpiry {
  /** Where the plugin asked for nothing else. */
  readonly idleMs: number;
  /** Whatever the plugin asked for. */
  readonly longestIdleMs: number;
}

/** An hour, and seven days: over a weekend and a holiday, and no name stays for good. */
export const defaultIdleExpiry: IdleExpiry = { idleMs: 3_600_000, longestIdleMs: 7 * 24 * 3_600_000 };

/** How long one position is kept. Judged at every sweep, so that it also holds for what was stored under another setting. */
export function idleExpiryOf(wishMs: number | undefined, { idleMs, longestIdleMs }: IdleExpiry): number {
  return wishMs === undefined ? idleMs : Math.min(wishMs, longestIdleMs);
}
