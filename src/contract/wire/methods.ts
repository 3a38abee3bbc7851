import { type DescMethod, type DescService, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { Health } from './gen/grpc/health/v1/health_pb.ts';
import { BusService } from './gen/meridian/bus/v1/bus_pb.ts';
import { GrantService } from './gen/meridian/bus/v1/grants_pb.ts';
import { PluginService } from './gen/meridian/sidecar/v1/plugin_pb.ts';
import { SidecarService } from './gen/meridian/v1/sidecar_pb.ts';
import { readMessage } from './read-message.ts';

interface Codec<T> {
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
}

/** A method as any RPC transport needs it: its path, its kind, and how its messages become bytes. */
export interface WireMethod<M extends DescMethod> {
  readonly path: string;
  readonly kind: M['methodKind'];
  readonly request: Codec<MessageShape<M['input']>>;
  readonly response: Codec<MessageShape<M['output']>>;
}

type WireMethods<S extends DescService> = { readonly [Name in keyof S['method']]: WireMethod<S['method'][Name]> };

/** Contract v1: what every plugin may rely on. */
export const sidecarMethods = methodsOf(SidecarService);
/** What this sidecar offers a plugin beyond contract v1. */
export const pluginMethods = methodsOf(PluginService);
/** What a sidecar speaks to the Bus API. */
export const busMethods = methodsOf(BusService);
/** What an administrator speaks to the Bus API. */
export const grantMethods = methodsOf(GrantService);
/** gRPC's own health checks, served on the plugin's port. */
export const healthMethods = methodsOf(Health);

function methodsOf<S extends DescService>(service: S): WireMethods<S> {
  const entries = service.methods.map((method) => [
    method.localName,
    {
      path: `/${service.typeName}/${method.name}`,
      kind: method.methodKind,
      request: codecOf(method.input),
      response: codecOf(method.output),
    },
  ]);
  return Object.fromEntries(entries) as WireMethods<S>;
}

function codecOf(schema: DescMethod['input']): Codec<MessageShape<DescMethod['input']>> {
  return {
    encode: (value) => toBinary(schema, value),
    decode: (bytes) => readMessage(schema, bytes),
  };
}
