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
  /** Items of one PublishBatch; each item past it is refused. */
  batchItems: 1_024,
  /** Names and types: of a payload, a client, a pool, a principal. */
  nameBytes: 256,
  subscriptionNameBytes: 128,
  /** At the bus, where a v1 stream's subscription is named `v1:` and its pattern. */
  storedNameBytes: 258,
  instanceIdBytes: 64,
  /** What a plugin makes up to find a message by: correlation, causation and dedup key. */
  keyBytes: 1_024,
  schemaVersionBytes: 64,
  traceparentBytes: 256,
  /** The specification asks for 512 to be carried: https://www.w3.org/TR/trace-context/#tracestate-limits */
  tracestateBytes: 1_024,
  /** Texts for people: reasons and details. */
  textBytes: 4_096,
  tags: 64,
  requestedGrants: 1_024,
  /** Positions that one message names: acknowledged, failed or in flight. */
  positions: 8_192,
  /** Publishes of one epoch that the bus recognises when they come again: the newest so many. */
  unsettledPublishes: 65_536,
  /** How far ahead of the bus's clock a sidecar's may be, and how long a message may have waited in an outbox. */
  clockAheadMsMax: 60_000,
  publishDelayMsMax: 900_000,
} as const;
