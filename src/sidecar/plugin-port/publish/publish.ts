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

/** Publishes one message and reports how it ended. @throws RpcError when it is over a limit or no plugin is registered. */
export async function publishOnce(port: PluginPort, request: PublishRequest): Promise<PublishOutcome> {
  const { scheduler, telemetry, log } = port;
  const startedMs = scheduler.nowMs();
  const trace = traceContextOf(request, scheduler.random);
  let messageId = '';
  const record = (outcome: PublishEnding, reason?: string): void => {
    const { topic } = request;
    telemetry.published({ topic, traceparent: trace.traceparent, messageId }, outcome, scheduler.nowMs() - startedMs);
    if (reason !== undefined)
      log.debug('publish failed', { outcome, topic, reason, trace_id: traceIdOf(trace.traceparent) });
  };
  try {
    const outcome = await publish(port, request, trace, (given) => {
      messageId = given;
    });
    if (outcome.kind === 'accepted') messageId = outcome.messageId;
    if (outcome.kind === 'accepted') record(outcome.duplicate ? 'duplicate' : 'accepted');
    else record(outcome.kind, outcome.reason);
    return outcome;
  } catch (error) {
    // The next message gets the id of one that was not accepted.
    messageId = '';
    record('refused', messageOf(error));
    throw error;
  }
}

async function publish(
  port: PluginPort,
  request: PublishRequest,
  trace: TraceContext,
  onStamped: (messageId: string) => void,
): Promise<PublishOutcome> {
  const plugin = port.admission.require();
  throwFault(lengthFault(PublishRequestSchema, withoutTopic(request)));
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
    onStamped(messageId);
    const { schemaVersion } = plugin;
    return publishEnvelope(request, { messageId, instanceId: identity.instanceId, schemaVersion, nowNs, trace });
  });
}

/** For the check of all fields but the topic: a reply refuses a bad topic, with the reason. */
export function withoutTopic<Request extends { readonly topic: string }>(request: Request): Request {
  return { ...request, topic: '' };
}
