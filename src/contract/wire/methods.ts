import { type MessageShape, type MessageType, type MethodType, type ServiceType, toBinary } from './codec/message.ts';
import { countFault } from './field-limits/count-fault.ts';
import type { LimitFault } from './field-limits/field-limits.ts';
import { lengthFault } from './field-limits/length-fault.ts';
import { Health } from './gen/grpc/health/v1/health_pb.ts';
import { ServerReflection } from './gen/grpc/reflection/v1/reflection_pb.ts';
import { BusService } from './gen/meridian/bus/v1/bus_pb.ts';
import { DeadLetterService } from './gen/meridian/bus/v1/dead_letters_pb.ts';
import { GrantService } from './gen/meridian/bus/v1/grants_pb.ts';
import { InstanceService } from './gen/meridian/bus/v1/instances_pb.ts';
import { OverviewService } from './gen/meridian/bus/v1/overview_pb.ts';
import { SubscriptionService } from './gen/meridian/bus/v1/subscriptions_pb.ts';
import { PluginService } from './gen/meridian/sidecar/v1/plugin_pb.ts';
import { SidecarService } from './gen/meridian/v1/sidecar_pb.ts';
import { readMessage } from './read-message.ts';

export interface Codec<T> {
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
  /** Why bytes are refused before they are decoded. */
  faultOf?(bytes: Uint8Array): LimitFault | undefined;
  /** Why a message is refused before it is handled. */
  faultIn?(message: T): LimitFault | undefined;
}

/** A method as any RPC transport needs it: its path, its kind, and its codecs. */
export interface WireMethod<M extends MethodType> {
  readonly path: string;
  readonly kind: M['kind'];
  readonly request: Codec<MessageShape<M['input']>>;
  readonly response: Codec<MessageShape<M['output']>>;
}

type WireMethods<S extends ServiceType> = { readonly [Name in keyof S['methods']]: WireMethod<S['methods'][Name]> };

// Marked as pure, so that a bundle holds the messages only of what it speaks.

/**
 * Contract v1: the RPCs that every plugin may rely on. Refusals of these two are counted and audited, so their handlers check the limits.
 */
export const sidecarMethods = /*@__PURE__*/ methodsOf(SidecarService, ['publish', 'call']);
/** What this sidecar offers a plugin beyond contract v1. */
export const pluginMethods = /*@__PURE__*/ methodsOf(PluginService);
/** The RPCs from a sidecar to the Bus API. */
export const busMethods = /*@__PURE__*/ methodsOf(BusService);
/** The RPCs from an administrator to the Bus API. */
export const grantMethods = /*@__PURE__*/ methodsOf(GrantService);
export const subscriptionMethods = /*@__PURE__*/ methodsOf(SubscriptionService);
export const deadLetterMethods = /*@__PURE__*/ methodsOf(DeadLetterService);
export const instanceMethods = /*@__PURE__*/ methodsOf(InstanceService);
export const overviewMethods = /*@__PURE__*/ methodsOf(OverviewService);
/** gRPC's own health checks, served on the plugin's port. */
export const healthMethods = /*@__PURE__*/ methodsOf(Health);
/** gRPC's server reflection, served on the plugin's port. */
export const reflectionMethods = /*@__PURE__*/ methodsOf(ServerReflection);

function methodsOf<S extends ServiceType>(service: S, judgedByHandler: readonly string[] = []): WireMethods<S> {
  const entries = Object.entries(service.methods).map(([localName, { name, kind, input, output }]) => [
    localName,
    {
      path: `/${service.typeName}/${name}`,
      kind,
      request: requestCodecOf(input, kind === 'unary' && !judgedByHandler.includes(localName)),
      response: codecOf(output),
    },
  ]);
  return Object.fromEntries(entries) as WireMethods<S>;
}

/** Received messages are checked against their limits. Those of a stream are checked one by one by its handler. */
function requestCodecOf<T>(input: MessageType<T>, isJudgedHere: boolean): Codec<T> {
  return {
    ...codecOf(input),
    faultOf: (bytes) => countFault(input, bytes),
    ...(isJudgedHere && { faultIn: (message: T) => lengthFault(input, message) }),
  };
}

function codecOf<T>(type: MessageType<T>): Codec<T> {
  return {
    encode: (value) => toBinary(type, value),
    decode: (bytes) => readMessage(type, bytes),
  };
}
