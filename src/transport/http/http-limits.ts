/** What clients of an HTTP port may use, units last. */
export const httpLimits = {
  /** Open connections. One more closes the oldest, so nobody can keep others out by holding connections. */
  connections: 128,
  /** One request, without a body. */
  requestBytes: 8 * 1_024,
  /** From accepting a connection to closing it, whatever its peer sends or reads. */
  connectionMs: 10_000,
} as const;
