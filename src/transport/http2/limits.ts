const KiB = 1024;
const MiB = 1024 * KiB;

/**
 * The limits of every connection. docs/reliability.md has a row for each. What depends on the listener, such as the
 * number of connections and calls, is in `ConnectionLimits`.
 */
export const http2Limits = {
  /** Fields of one header list: names, values and 32 bytes each (SETTINGS_MAX_HEADER_LIST_SIZE). A request with more is answered 431. */
  headerListBytes: 16 * KiB,
  /** A header block as it comes, over all of its frames. More ends the connection. */
  headerBlockBytes: 32 * KiB,
  /** Frames of one header block. More ends the connection, since empty ones cost nothing to send. */
  headerBlockFrames: 16,
  /** The table that the peer's compression may use here, and that ours uses there. */
  headerTableBytes: 4_096,
  /** Sent by the peer on one connection and not processed yet. It covers what is on its way at 100 Mbit/s and 80 ms. */
  connectionWindowBytes: MiB,
  /** Read ahead of the reader of a stream. */
  streamWindowBytes: 256 * KiB,
  /** While more than this waits in the socket, streams keep their messages, where the sender sees them. */
  unsentBytes: 256 * KiB,
  /** While more than this waits in the socket, nothing is read: each frame that is read may need an answer. */
  unsentAnswerBytes: MiB,
  /** Frames without a message or a call: PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA and unknown ones. At once, and each second. */
  controlFrames: { burst: 20_000, perSecond: 10_000 },
  /** SETTINGS, which may change the window of every open stream. At once, and each second. */
  settingsFrames: { burst: 100, perSecond: 10 },
  /** Streams that the peer resets. At once, and each second: https://nvd.nist.gov/vuln/detail/CVE-2023-44487 */
  resets: { burst: 10_000, perSecond: 1_000 },
  /** Streams that we refuse or reset because of the peer. At once, and each second. */
  refusedStreams: { burst: 1_000, perSecond: 100 },
  /** Bodies of refused calls, which are read and discarded. At once, and each second. */
  discardedBytes: { burst: 4 * MiB, perSecond: MiB },
  /** Streams that we reset lately: the peer may have sent to them before it knew. */
  resetStreamsKept: 1_024,
  /** From the connection until the peer's SETTINGS, TLS included. */
  prefaceTimeoutMs: 10_000,
  /** For a peer that broke the protocol: until its socket is closed, so that it can read why. */
  lastFrameMs: 1_000,
  /** From the first byte of a message until its last. */
  messageTimeoutMs: 20_000,
  /** Messages longer than a stream's window that are received at once, on all connections of a listener. */
  largeMessageBytes: 8 * MiB,
  /** Of what the peer says in its GOAWAY, which an error shows. */
  reasonBytes: 512,
  /** Calls of this side that wait until the peer allows another stream. */
  waitingCalls: 10_000,
} as const;
