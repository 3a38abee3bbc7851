import { beginningOf } from '../../../base/bytes.ts';
import { messageOf } from '../../../base/user-facing-error.ts';
import { lengthFault } from '../../../contract/wire/field-limits/length-fault.ts';
import { type PublishRequest, PublishRequestSchema } from '../../../contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { limits } from '../../../contract/wire/limits.ts';
import { type TraceContext, traceContextOf, traceIdOf } from '../../../contract/wire/trace-context.ts';
import { throwFault } from '../../../transport/status.ts';
import type { PublishOutcome } from '../../bus-link/outbox.ts';
import type { PublishEnding } from '../../metrics/sidecar-telemetry.ts';
import type { PluginPort } from '../plugin-port.ts';
import { eventTimeFault, publishEnvelope } from './envelope.ts';

/** What is known of a publish so far. */
interface Attempt {
  readonly topic: string;
  readonly traceparent: string;
  readonly startedMs: number;
  /** Empty until it is sent. */
  messageId: string;
}

/** Publishes one message and reports how it ended. @throws RpcError when it is over a limit or no plugin is registered. */
export async function publishOnce(port: PluginPort, request: PublishRequest): Promise<PublishOutcome> {
  const { scheduler } = port;
  const startedMs = scheduler.nowMs();
  const trace = traceContextOf(request, scheduler.random);
  const attempt: Attempt = { topic: request.topic, traceparent: trace.traceparent, startedMs, messageId: '' };
  try {
    const outcome = await publish(port, request, trace, attempt);
    if (outcome.kind === 'accepted') {
      attempt.messageId = outcome.messageId;
      record(port, attempt, outcome.duplicate ? 'duplicate' : 'accepted');
    } else {
      record(port, attempt, outcome.kind, outcome.reason);
    }
    return outcome;
  } catch (error) {
    // The next message gets the id of one that was not accepted.
    attempt.messageId = '';
    record(port, attempt, 'refused', messageOf(error));
    throw error;
  }
}

function publish(
  port: PluginPort,
  request: PublishRequest,
  trace: TraceContext,
  attempt: Attempt,
): PublishOutcome | Promise<PublishOutcome> {
  const { schemaVersion } = port.admission.require();
  throwFault(lengthFault(PublishRequestSchema, withoutLongTopic(request)));
  const { identity, scheduler, access, outbox, settings, memory } = port;
  memory.shedding.admit();
  const nowNs = scheduler.wallTimeNs();
  const refusal =
    port.standByRefusal() ??
    access.publishRefusal(request.topic) ??
    eventTimeFault(request.tsEventNs, nowNs, settings.maxClockSkewMs);
  if (refusal !== undefined) return { kind: 'refused', reason: beginningOf(refusal, limits.textBytes) };
  return outbox.publish((sequence) => {
    const messageId = identity.messageId(sequence);
    attempt.messageId = messageId;
    return publishEnvelope(request, { messageId, instanceId: identity.instanceId, schemaVersion, nowNs, trace });
  });
}

function record(
  { scheduler, telemetry, log }: PluginPort,
  attempt: Attempt,
  outcome: PublishEnding,
  reason?: string,
): void {
  telemetry.published(attempt, outcome, scheduler.nowMs() - attempt.startedMs);
  if (reason === undefined) return;
  log.debug('publish failed', { outcome, topic: attempt.topic, reason, trace_id: traceIdOf(attempt.traceparent) });
}

/** For the check of all fields but the topic: a reply refuses a bad topic, with the reason. */
export function withoutLongTopic<Request extends { readonly topic: string }>(request: Request): Request {
  // A character takes up to three bytes for each unit of a string's length.
  return request.topic.length * 3 > limits.topicBytes ? { ...request, topic: '' } : request;
}
