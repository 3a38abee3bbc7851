/** What anyone who reaches an HTTP port may take of it, units last. */
export const httpLimits = {
  /** Open at a time; one more closes the oldest, so that nobody can keep others out by holding connections. */
  connections: 128,
  /** Of one request, without a body. */
  requestBytes: 8 * 1_024,
  /** From accepting a connection to closing it, whatever its peer sends or reads until then. */
  connectionMs: 10_000,
} as const;
