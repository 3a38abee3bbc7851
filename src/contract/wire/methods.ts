import { type DescMethod, type DescService, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { countFault } from './field-limits/count-fault.ts';
import type { LimitFault } from './field-limits/field-limits.ts';
import { lengthFault } from './field-limits/length-fault.ts';
import { Health } from './gen/grpc/health/v1/health_pb.ts';
import { BusService } from './gen/meridian/bus/v1/bus_pb.ts';
import { GrantService } from './gen/meridian/bus/v1/grants_pb.ts';
import { SubscriptionService } from './gen/meridian/bus/v1/subscriptions_pb.ts';
import { PluginService } from './gen/meridian/sidecar/v1/plugin_pb.ts';
import { SidecarService } from './gen/meridian/v1/sidecar_pb.ts';
import { readMessage } from './read-message.ts';

interface Codec<T> {
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
  /** Why bytes are refused before they are decoded. */
  faultOf?(bytes: Uint8Array): LimitFault | undefined;
  /** Why a message is refused before it is handled. */
  faultIn?(message: T): LimitFault | undefined;
}

/** A method as any RPC transport needs it: its path, its kind, and its codecs. */
export interface WireMethod<M extends DescMethod> {
  readonly path: string;
  readonly kind: M['methodKind'];
  readonly request: Codec<MessageShape<M['input']>>;
  readonly response: Codec<MessageShape<M['output']>>;
}

type WireMethods<S extends DescService> = { readonly [Name in keyof S['method']]: WireMethod<S['method'][Name]> };

/**
 * Contract v1: the RPCs that every plugin may rely on. Refusals of these two are counted and audited, so their handlers check the limits.
 */
export const sidecarMethods = methodsOf(SidecarService, ['publish', 'call']);
/** What this sidecar offers a plugin beyond contract v1. */
export const pluginMethods = methodsOf(PluginService);
/** The RPCs from a sidecar to the Bus API. */
export const busMethods = methodsOf(BusService);
/** The RPCs from an administrator to the Bus API. */
export const grantMethods = methodsOf(GrantService);
export const subscriptionMethods = methodsOf(SubscriptionService);
/** gRPC's own health checks, served on the plugin's port. */
export const healthMethods = methodsOf(Health);

function methodsOf<S extends DescService>(service: S, judgedByHandler: readonly string[] = []): WireMethods<S> {
  const entries = service.methods.map((method) => [
    method.localName,
    {
      path: `/${service.typeName}/${method.name}`,
      kind: method.methodKind,
      request: requestCodecOf(method, judgedByHandler.includes(method.localName)),
      response: codecOf(method.output),
    },
  ]);
  return Object.fromEntries(entries) as WireMethods<S>;
}

/** Received messages are checked against their limits. Those of a stream are checked one by one by its handler. */
function requestCodecOf({ input, methodKind }: DescMethod, isJudgedByHandler: boolean) {
  return {
    ...codecOf(input),
    faultOf: (bytes: Uint8Array) => countFault(input, bytes),
    ...(methodKind === 'unary' &&
      !isJudgedByHandler && {
        faultIn: (message: MessageShape<DescMethod['input']>) => lengthFault(input, message),
      }),
  };
}

function codecOf(schema: DescMethod['input']): Codec<MessageShape<DescMethod['input']>> {
  return {
    encode: (value) => toBinary(schema, value),
    decode: (bytes) => readMessage(schema, bytes),
  };
}
