const KiB = 1024;
const MiB = 1024 * KiB;

/** The contract's limits: defaults where a setting exists, units last. An error over a limit names it and the value. */
export const limits = {
  topicBytes: 255,
  topicSegments: 16,
  /** At the plugin; it leaves room for the headers within what the stores take. */
  payloadBytes: 960 * KiB,
  /** What one stored message may weigh with its headers. */
  storedMessageBytes: MiB,
  stateBytes: MiB,
  /** One RPC message of any kind: the largest is a state of `stateBytes` with its fields around it. */
  messageBytes: MiB + 64 * KiB,
  subscriptions: 512,
  outboxMessages: 1_024,
  outboxBytes: 8 * MiB,
  outboxAgeMs: 30_000,
  creditMessages: 256,
  creditBytes: 4 * MiB,
  callTimeoutMs: 5_000,
  callTimeoutMsMax: 60_000,
  leaseMs: 10_000,
  leaseRenewalMs: 3_000,
} as const;
