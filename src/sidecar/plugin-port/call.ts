import { beginningOf } from '../../base/bytes.ts';
import { messageOf } from '../../base/user-facing-error.ts';
import { type CallEnding, callEndingOf } from '../../contract/wire/call-ending.ts';
import { create } from '../../contract/wire/codec/message.ts';
import { lengthFault } from '../../contract/wire/field-limits/length-fault.ts';
import { CallOutcome } from '../../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import type { Envelope } from '../../contract/wire/gen/meridian/v1/envelope_pb.ts';
import {
  type CallReply,
  CallReplySchema,
  type CallRequest,
  CallRequestSchema,
} from '../../contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { limits } from '../../contract/wire/limits.ts';
import { traceContextOf, traceIdOf } from '../../contract/wire/trace-context.ts';
import { RpcError, throwFault } from '../../transport/status.ts';
import { type CallReport, withoutAnswer } from '../bus-link/calls.ts';
import type { PluginPort } from './plugin-port.ts';
import { callEnvelope, type Stamp } from './publish/envelope.ts';
import { withoutLongTopic } from './publish/publish.ts';

/**
 * Makes one call to another plugin and reports how it ended. @throws RpcError when it is over a limit or no plugin is
 * registered.
 */
export async function callOnce(port: PluginPort, request: CallRequest): Promise<CallReply> {
  const { scheduler, telemetry, log, identity } = port;
  const startedMs = scheduler.nowMs();
  const trace = traceContextOf(request, scheduler.random);
  let messageId = '';
  const record = (outcome: CallEnding, reason: string): void => {
    const { traceparent } = trace;
    const { topic } = request;
    telemetry.called({ topic, traceparent, messageId }, outcome, scheduler.nowMs() - startedMs);
    if (outcome !== 'answered') log.debug('call failed', { outcome, topic, reason, trace_id: traceIdOf(traceparent) });
  };
  try {
    const { outcome, payloadType, payload, detail } = await call(port, request, (callId) => {
      messageId = identity.callMessageId(callId);
      return { messageId, trace };
    });
    const { name, failure } = callEndingOf(outcome);
    record(name, detail);
    if (outcome === CallOutcome.ANSWERED) return create(CallReplySchema, { ok: true, payloadType, payload });
    return create(CallReplySchema, { failure, failureDetail: detail });
  } catch (error) {
    record('refused', messageOf(error));
    throw error;
  }
}

async function call(
  port: PluginPort,
  request: CallRequest,
  stampFor: (callId: bigint) => Pick<Stamp, 'messageId' | 'trace'>,
): Promise<CallReport> {
  const { schemaVersion } = port.admission.require();
  throwFault(lengthFault(CallRequestSchema, withoutLongTopic(request)));
  const { identity, scheduler, access, calls, settings, memory } = port;
  memory.shedding.admit();
  const refusal = port.standByRefusal() ?? access.publishRefusal(request.topic);
  if (refusal !== undefined) return withoutAnswer(CallOutcome.REFUSED, beginningOf(refusal, limits.textBytes));
  if (request.timeoutMs < 0 || request.timeoutMs > settings.maxCallTimeoutMs) {
    throw new RpcError(
      'INVALID_ARGUMENT',
      `timeout_ms is ${request.timeoutMs}; it must be from 0 to ${settings.maxCallTimeoutMs}`,
    );
  }
  const { instanceId } = identity;
  const bytes = request.payload.length;
  memory.outgoing.reserve(bytes);
  try {
    const known = { instanceId, schemaVersion, nowNs: scheduler.wallTimeNs() };
    const makeEnvelope = (callId: bigint): Envelope => callEnvelope(request, { ...known, ...stampFor(callId) });
    return await calls.call(makeEnvelope, request.timeoutMs || settings.callTimeoutMs);
  } finally {
    memory.outgoing.release(bytes);
  }
}
