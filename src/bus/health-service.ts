import { aborted } from '../base/async/aborted.ts';
import { create } from '../contract/wire/codec/message.ts';
import {
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../contract/wire/gen/grpc/health/v1/health_pb.ts';
import { BusService } from '../contract/wire/gen/meridian/bus/v1/bus_pb.ts';
import { healthMethods } from '../contract/wire/methods.ts';
import { forAnybody, type Route, serveStream, serveUnary } from '../transport/rpc.ts';
import { RpcError } from '../transport/status.ts';

/** The empty name means the whole server. */
const services: ReadonlySet<string> = new Set(['', BusService.typeName]);

/**
 * gRPC's own health checks: SERVING until the bus drains. Load balancers have no credential, so nobody is asked for one:
 * https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */
export function healthRoutes(draining: AbortSignal): Route[] {
  const status = (): ServingStatus => (draining.aborted ? ServingStatus.NOT_SERVING : ServingStatus.SERVING);
  return [
    serveUnary(healthMethods.check, async ({ service }) => {
      if (!services.has(service)) throw new RpcError('NOT_FOUND', `there is no service "${service}" here`);
      return create(HealthCheckResponseSchema, { status: status() });
    }),
    serveStream(healthMethods.watch, async (stream) => {
      const first = await stream[Symbol.asyncIterator]().next();
      const isKnown = !first.done && services.has(first.value.service);
      const wasDraining = draining.aborted;
      stream.write(create(HealthCheckResponseSchema, { status: isKnown ? status() : ServingStatus.SERVICE_UNKNOWN }));
      await aborted(AbortSignal.any([draining, stream.over]));
      if (isKnown && !wasDraining && !stream.over.aborted) {
        stream.write(create(HealthCheckResponseSchema, { status: status() }));
      }
    }),
  ].map(forAnybody);
}
