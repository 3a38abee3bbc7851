import { create } from '../../contract/wire/codec/message.ts';
import { type Envelope, EnvelopeSchema, type MessageMeta } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import { limits } from '../../contract/wire/limits.ts';
import { validTrace } from '../../contract/wire/trace-context.ts';
import type { Owner } from '../store/store.ts';

/** The facts about a sender that the bus knows without the envelope. */
export interface Stamp {
  readonly owner: Owner;
  /** The message id of this publish or call under an epoch. */
  readonly messageId: (owner: Owner) => string;
  readonly nowNs: bigint;
}

const noMeta: Partial<MessageMeta> = {};
const nsPerMs = 1_000_000n;
const publishDelayNsMax = BigInt(limits.publishDelayMsMax) * nsPerMs;
const clockAheadNsMax = BigInt(limits.clockAheadMsMax) * nsPerMs;

/**
 * Makes the envelope that the bus stores and delivers. It builds each field by name, so unknown fields of a sidecar's envelope are dropped:
 * docs/bus.md has the table.
 */
export function stampEnvelope(sent: Envelope | undefined, stamp: Stamp): Envelope {
  const given = sent?.meta ?? noMeta;
  const publishedAtNs = publishedAt(given.publishedAtNs ?? 0n, stamp.nowNs);
  const tsEventNs = isOwnTime(given) ? given.tsEventNs : publishedAtNs;
  const isEventLater = tsEventNs > publishedAtNs;
  const trace = validTrace({ traceparent: given.traceparent ?? '', tracestate: given.tracestate ?? '' });
  return create(EnvelopeSchema, {
    payloadType: sent?.payloadType ?? '',
    payload: sent?.payload ?? new Uint8Array(),
    meta: {
      messageId: messageId(given.messageId ?? '', stamp),
      correlationId: given.correlationId ?? '',
      causationId: given.causationId ?? '',
      publisherInstanceId: stamp.owner.instanceId,
      topic: given.topic ?? '',
      schemaVersion: given.schemaVersion ?? '',
      publishedAtNs,
      tsEventNs,
      tsInitNs: isEventLater ? tsEventNs : publishedAtNs,
      dedupKey: given.dedupKey ?? '',
      partitionKey: given.partitionKey ?? '',
      traceparent: trace?.traceparent ?? '',
      tracestate: trace?.tracestate ?? '',
    },
  });
}

/** Why an envelope is refused because of its sender fields. Undefined if it may be stamped. */
export function senderRefusal(sent: Envelope | undefined, { owner, nowNs }: Stamp): string | undefined {
  if (!sent) return 'the envelope is missing';
  const { publisherInstanceId = '', tsEventNs = 0n } = sent.meta ?? noMeta;
  if (publisherInstanceId !== '' && publisherInstanceId !== owner.instanceId) {
    return `the publisher is not this instance, which is ${owner.instanceId}`;
  }
  if (tsEventNs <= nowNs || !isOwnTime(sent.meta ?? noMeta)) return undefined;
  const aheadMs = (tsEventNs - nowNs) / nsPerMs;
  if (aheadMs <= limits.clockAheadMsMax) return undefined;
  return `ts_event is ${aheadMs} ms ahead of the bus's clock, more than the ${limits.clockAheadMsMax} ms allowed`;
}

/** Whether the plugin gave the time of its event. Otherwise the sidecar fills in the time of publishing. */
function isOwnTime(given: Partial<MessageMeta>): given is Partial<MessageMeta> & { tsEventNs: bigint } {
  const { tsEventNs = 0n, publishedAtNs = 0n } = given;
  return tsEventNs !== 0n && tsEventNs !== publishedAtNs;
}

/** The sidecar's time if it is plausible: a message may have waited in an outbox, and clocks differ a little. */
function publishedAt(givenNs: bigint, nowNs: bigint): bigint {
  const isLate = givenNs < nowNs - publishDelayNsMax;
  const isEarly = givenNs > nowNs + clockAheadNsMax;
  return isLate || isEarly ? nowNs : givenNs;
}

/** The id under this epoch. A message resent after its epoch was lost keeps its id, so that a receiver can recognise the repeat. */
function messageId(given: string, { owner, messageId: idUnder }: Stamp): string {
  const { instanceId, epoch } = owner;
  const own = idUnder(owner);
  if (given === own) return own;
  const [digits] = /^[1-9]\d{0,18}(?=-)/.exec(given.slice(instanceId.length + 1)) ?? [];
  const named = digits === undefined ? epoch : BigInt(digits);
  return named < epoch && idUnder({ instanceId, epoch: named }) === given ? given : own;
}
