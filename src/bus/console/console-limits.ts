/** What the console keeps, shows and serves at most. */
export const consoleLimits = {
  /** Topics, and subscriptions, with plots of their own. The rest share those of `other`. */
  series: 50,
  /** Rows of a table. The page says how many more there are. */
  rows: 200,
  /** Dead letters, and refusals and errors. */
  recent: 50,
  /** Characters of a text. The rest is cut off. */
  text: 300,
  /** Pages that are open at once. */
  pages: 16,
  connections: 64,
  /** Unsent bytes of a page. It misses what comes meanwhile. */
  unsentBytes: 2 * 1024 * 1024,
  /** How long a page may read nothing. */
  unreadMs: 30_000,
  requestBytes: 16 * 1024,
} as const;
