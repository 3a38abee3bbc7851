const KiB = 1024;
const MiB = 1024 * KiB;

/** The trailer of a refusal because of a newer sidecar: how long that one's lease can last. */
export const leaseMsTrailer = 'meridian-lease-ms';

/** The contract's limits that are not settings of the sidecar, units last. An error over a limit names it and the value. */
export const limits = {
  topicBytes: 255,
  topicSegments: 16,
  /** At the plugin. It leaves space for the headers within the stores' limit. */
  payloadBytes: 960 * KiB,
  stateBytes: MiB,
  /** One RPC message of any kind. The largest is a state of `stateBytes` with its other fields. */
  messageBytes: MiB + 64 * KiB,
  /** Values of all fields of one message, nested messages included. A batch of 20,000 publishes with five fields each has fewer. */
  messageValues: 128 * KiB,
  subscriptions: 512,
  creditMessages: 256,
  creditBytes: 4 * MiB,
  /** Unacknowledged messages of one subscription. At the limit, delivery stops until some are acked. */
  unacknowledgedMessages: 4_096,
  callTimeoutMsMax: 60_000,
  leaseMs: 10_000,
  /** Items of one PublishBatch. Each item beyond is refused. */
  batchItems: 1_024,
  /** Names and types of a payload, a client, a pool or a principal. */
  nameBytes: 256,
  subscriptionNameBytes: 128,
  /** At the bus, where a v1 stream's subscription is named `v1:` plus its pattern. */
  storedNameBytes: 258,
  instanceIdBytes: 64,
  /** An instance id, or what stands in its place for a subscription of a group: an encoded pool and principal. */
  keeperBytes: 1_600,
  /** The plugin's own keys of a message: correlation, causation and dedup key. */
  keyBytes: 1_024,
  schemaVersionBytes: 64,
  traceparentBytes: 256,
  /** The specification requires at least 512: https://www.w3.org/TR/trace-context/#tracestate-limits */
  tracestateBytes: 1_024,
  /** Texts for people: reasons and details. */
  textBytes: 4_096,
  tags: 64,
  requestedGrants: 1_024,
  /** Positions in one message: acked, failed or in flight. */
  positions: 8_192,
  /** Publishes of one epoch that the bus recognises as repeats: the newest ones. */
  unsettledPublishes: 65_536,
  /** How far a sidecar's clock may be ahead of the bus's, and how long a message may have waited in an outbox. */
  clockAheadMsMax: 60_000,
  publishDelayMsMax: 900_000,
} as const;
