/** How long cursors of unused subscriptions are kept. */
export interface IdleExpiry {
  /** Without a wish of the plugin. */
  readonly idleMs: number;
  /** The upper bound of the plugin's wish. */
  readonly longestIdleMs: number;
}

/** An hour, and seven days: long enough for a weekend and a holiday, but no name is stored for ever. */
export const defaultIdleExpiry: IdleExpiry = { idleMs: 3_600_000, longestIdleMs: 7 * 24 * 3_600_000 };

/** How long one cursor is kept. Computed at every sweep, so that a changed setting also applies to older cursors. */
export function idleExpiryOf(wishMs: number | undefined, { idleMs, longestIdleMs }: IdleExpiry): number {
  return wishMs === undefined ? idleMs : Math.min(wishMs, longestIdleMs);
}

/** What an operator has set, and the defaults for the rest. */
export function idleExpiryFrom(set: {
  readonly subscriptionIdleMs?: number;
  readonly subscriptionIdleMaxMs?: number;
}): IdleExpiry {
  return {
    idleMs: set.subscriptionIdleMs ?? defaultIdleExpiry.idleMs,
    longestIdleMs: set.subscriptionIdleMaxMs ?? defaultIdleExpiry.longestIdleMs,
  };
}
