import { ownBytes } from '../../../base/bytes.ts';
import { create } from '../../../contract/wire/codec/message.ts';
import { type Envelope, EnvelopeSchema } from '../../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import type { CallRequest, PublishRequest } from '../../../contract/wire/gen/meridian/v1/sidecar_pb.ts';
import type { TraceContext } from '../../../contract/wire/trace-context.ts';

export interface Stamp {
  readonly messageId: string;
  readonly instanceId: string;
  /** The version given to Register, for messages that name none. */
  readonly schemaVersion: string;
  readonly nowNs: bigint;
  readonly trace: TraceContext;
}

/** Why a ts_event is refused; undefined when it is accepted. */
export function eventTimeFault(tsEventNs: bigint, nowNs: bigint, maxClockSkewMs: number): string | undefined {
  if (tsEventNs <= nowNs) return undefined;
  const aheadMs = (tsEventNs - nowNs) / 1_000_000n;
  if (aheadMs <= BigInt(maxClockSkewMs)) return undefined;
  return `ts_event is ${aheadMs} ms ahead of the sidecar's clock, more than the ${maxClockSkewMs} ms allowed`;
}

/**
 * Makes the envelope of a publish from the plugin's fields and from those that only the sidecar may set. An event time slightly
 * ahead of the clock moves ts_init forward, so that ts_init is never before ts_event.
 */
export function publishEnvelope(request: PublishRequest, stamp: Stamp): Envelope {
  const tsEventNs = request.tsEventNs === 0n ? stamp.nowNs : request.tsEventNs;
  return create(EnvelopeSchema, {
    payloadType: request.payloadType,
    payload: request.payload,
    meta: {
      ...stampedMeta(request, stamp),
      causationId: request.causationId,
      schemaVersion: request.schemaVersion || stamp.schemaVersion,
      tsEventNs,
      tsInitNs: tsEventNs > stamp.nowNs ? tsEventNs : stamp.nowNs,
      dedupKey: request.dedupKey,
      partitionKey: request.partitionKey,
    },
  });
}

/** Makes the envelope of a call, whose event is the call itself. */
export function callEnvelope(request: CallRequest, stamp: Stamp): Envelope {
  return create(EnvelopeSchema, {
    payloadType: request.payloadType,
    payload: ownBytes(request.payload),
    meta: stampedMeta(request, stamp),
  });
}

type Stamped = Pick<PublishRequest, 'topic' | 'correlationId'>;

/** The metadata of every message. Its event time is the time of its stamp, unless the plugin gives another. */
function stampedMeta({ topic, correlationId }: Stamped, stamp: Stamp) {
  const { messageId, instanceId: publisherInstanceId, schemaVersion, nowNs } = stamp;
  const { traceparent, tracestate } = stamp.trace;
  const times = { publishedAtNs: nowNs, tsEventNs: nowNs, tsInitNs: nowNs };
  return { messageId, publisherInstanceId, topic, correlationId, schemaVersion, ...times, traceparent, tracestate };
}
