const KiB = 1024;
const MiB = 1024 * KiB;

/** What a sidecar that does not read may cost the bus. docs/bus.md has a row for each. */
export const sessionLimits = {
  /** While more than this is unread, the sidecar gets no messages, and requests wait. */
  unreadBytes: 256 * KiB,
  /** Waiting requests of one session. The next responder gets those beyond. */
  waitingRequestBytes: MiB,
  /** While more than this is unread, the bus reads nothing from the sidecar and drops the answers to its calls. */
  unreadBytesMax: 4 * MiB,
} as const;
