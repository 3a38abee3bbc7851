import type { PublishRequest } from '../../contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { limits } from '../../contract/wire/limits.ts';
import { RpcError } from '../../transport/status.ts';
import type { PublishOutcome } from '../bus-link/outbox.ts';
import { eventTimeFault, publishEnvelope } from '../envelope.ts';
import type { PluginPort } from './plugin-port.ts';

/** Publishes one message and says how it ended. @throws RpcError when it is over a limit or no plugin is registered. */
export async function publishOnce(port: PluginPort, request: PublishRequest): Promise<PublishOutcome> {
  const plugin = port.admission.require();
  checkPayload(request.payload);
  const { identity, scheduler, access, outbox, settings } = port;
  const nowNs = scheduler.wallTimeNs();
  const refusal =
    access.publishRefusal(request.topic) ?? eventTimeFault(request.tsEventNs, nowNs, settings.maxClockSkewMs);
  if (refusal !== undefined) return { kind: 'refused', reason: refusal };
  return outbox.publish((sequence) =>
    publishEnvelope(request, {
      messageId: identity.messageId(sequence),
      instanceId: identity.instanceId,
      schemaVersion: plugin.schemaVersion,
      nowNs,
    }),
  );
}

/** @throws RpcError INVALID_ARGUMENT naming the limit and the size. */
export function checkPayload(payload: Uint8Array): void {
  if (payload.length <= limits.payloadBytes) return;
  throw new RpcError(
    'INVALID_ARGUMENT',
    `payload of ${payload.length} bytes is over the limit of ${limits.payloadBytes} bytes`,
  );
}
