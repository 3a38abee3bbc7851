import { create } from '../../../contract/wire/codec/message.ts';
import {
  HeartbeatReplySchema,
  LeaveReplySchema,
  type PublishReply,
  PublishReplySchema,
  type PublishRequest,
  type RegisterReply,
  RegisterReplySchema,
} from '../../../contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { sidecarMethods } from '../../../contract/wire/methods.ts';
import { type CallContext, type Route, serveStream, serveUnary } from '../../../transport/rpc.ts';
import { RpcError } from '../../../transport/status.ts';
import { callOnce } from '../call.ts';
import type { PluginPort } from '../plugin-port.ts';
import { publishOnce } from '../publish/publish.ts';
import { subscribeV1 } from './subscribe-v1.ts';

/** Contract v1 on the plugin's port. */
export function sidecarRoutes(port: PluginPort): Route[] {
  return [
    serveUnary(sidecarMethods.register, async ({ schemaVersion }, call) => register(port, schemaVersion, call)),
    serveUnary(sidecarMethods.publish, (request) => publish(port, request)),
    serveUnary(sidecarMethods.call, (request) => callOnce(port, request)),
    serveStream(sidecarMethods.subscribe, (stream, call) => subscribeV1(port, stream, call)),
    serveUnary(sidecarMethods.heartbeat, async ({ healthy, detail }) => {
      port.admission.require();
      port.health.heartbeat(healthy, detail);
      return create(HeartbeatReplySchema);
    }),
    serveUnary(sidecarMethods.leave, async ({ reason }, call) => {
      port.admission.require();
      port.log.info('plugin left', { reason });
      port.admission.leave();
      port.secondPlugin.gone(call.peer.address);
      return create(LeaveReplySchema);
    }),
  ];
}

function register(port: PluginPort, schemaVersion: string, client: CallContext): RegisterReply {
  const { identity, admission, access } = port;
  const admittance = admission.register(schemaVersion);
  if (!admittance.admitted) {
    port.log.warn('plugin refused', { reason: admittance.reason });
    return create(RegisterReplySchema, { admitted: false, refusalReason: admittance.reason });
  }
  port.log.info('plugin registered', { schemaVersion });
  port.secondPlugin.registered(client);
  return create(RegisterReplySchema, {
    admitted: true,
    deploymentId: identity.deploymentId(),
    publishGrants: access.patterns('publish'),
    subscribeGrants: access.patterns('subscribe'),
    instanceId: identity.instanceId,
    role: identity.poolType,
    tags: [...identity.tags],
  });
}

async function publish(port: PluginPort, request: PublishRequest): Promise<PublishReply> {
  const outcome = await publishOnce(port, request);
  switch (outcome.kind) {
    case 'accepted':
      return create(PublishReplySchema, {
        accepted: true,
        messageId: outcome.messageId,
        duplicate: outcome.duplicate,
      });
    case 'refused':
      return create(PublishReplySchema, { accepted: false, refusalReason: outcome.reason });
    case 'unknown':
      throw new RpcError('DEADLINE_EXCEEDED', outcome.reason);
  }
}
