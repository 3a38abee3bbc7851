const KiB = 1024;
const MiB = 1024 * KiB;

/** The trailer by which the bus tells, with a refusal for a newer start's sake, how long the lease of that one can last. */
export const leaseMsTrailer = 'meridian-lease-ms';

/** The contract's limits that are no settings of the sidecar, units last. An error over a limit names it and the value. */
export const limits = {
  topicBytes: 255,
  topicSegments: 16,
  /** At the plugin; it leaves room for the headers within what the stores take. */
  payloadBytes: 960 * KiB,
  stateBytes: MiB,
  /** One RPC message of any kind: the largest is a state of `stateBytes` with its fields around it. */
  messageBytes: MiB + 64 * KiB,
  /** Values of all fields of one message, also of the messages within; 20,000 publishes of five fields in one batch have fewer. */
  messageValues: 128 * KiB,
  subscriptions: 512,
  creditMessages: 256,
  creditBytes: 4 * MiB,
  /** Delivered on one subscription and not acknowledged; beyond it nothing is delivered until some are. */
  unacknowledgedMessages: 4_096,
  callTimeoutMsMax: 60_000,
  leaseMs: 10_000,
} as const;
