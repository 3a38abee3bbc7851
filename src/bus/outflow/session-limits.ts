const KiB = 1024;
const MiB = 1024 * KiB;

/** What a session that is not read may cost the bus. docs/bus.md has a row for each. */
export const sessionLimits = {
  /** While more than this waits for the sidecar to read, it is sent no messages, and requests wait. */
  unreadBytes: 256 * KiB,
  /** Requests of one session that wait; the next responder gets what does not fit. */
  waitingRequestBytes: MiB,
  /** While more than this waits, the bus reads nothing that the sidecar sends, and drops the answers to its calls. */
  unreadBytesMax: 4 * MiB,
} as const;
