import { AsyncQueue } from '../../base/async/async-queue.ts';
import { create } from '../../contract/wire/codec/message.ts';
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../contract/wire/gen/grpc/health/v1/health_pb.ts';
import { PluginService } from '../../contract/wire/gen/meridian/sidecar/v1/plugin_pb.ts';
import { SidecarService } from '../../contract/wire/gen/meridian/v1/sidecar_pb.ts';
import { healthMethods } from '../../contract/wire/methods.ts';
import { type Route, type RpcStream, serveStream, serveUnary } from '../../transport/rpc.ts';
import { RpcError } from '../../transport/status.ts';
import { isPassing } from '../health/health-report.ts';
import type { SidecarLifecycle, SidecarState } from '../lifecycle/sidecar-state.ts';

/** The empty name means the whole server. */
const services: ReadonlySet<string> = new Set(['', SidecarService.typeName, PluginService.typeName]);

/** gRPC's own health checks: SERVING while `/healthz` says 200 and the sidecar is not stopping. */
export function healthRoutes(lifecycle: SidecarLifecycle): Route[] {
  return [
    serveUnary(healthMethods.check, async ({ service }) => {
      if (!services.has(service)) throw new RpcError('NOT_FOUND', `there is no service "${service}" here`);
      return create(HealthCheckResponseSchema, { status: statusIn(lifecycle.state) });
    }),
    serveStream(healthMethods.watch, (stream) => watch(lifecycle, stream)),
  ];
}

async function watch(
  lifecycle: SidecarLifecycle,
  stream: RpcStream<HealthCheckRequest, HealthCheckResponse>,
): Promise<void> {
  const first = await stream[Symbol.asyncIterator]().next();
  const isKnown = !first.done && services.has(first.value.service);
  const changes = new AsyncQueue<ServingStatus>();
  changes.push(isKnown ? statusIn(lifecycle.state) : ServingStatus.SERVICE_UNKNOWN);
  const stopWatching = lifecycle.onChange((state) => {
    if (isKnown) changes.push(statusIn(state));
    // An open watch would delay the close of the port.
    if (state === 'SHUTTING_DOWN') changes.end();
  });
  stream.over.addEventListener('abort', () => changes.end(), { once: true });
  try {
    let last: ServingStatus | undefined;
    for await (const status of changes) {
      // A plugin that did not read for a while gets only the last of the changes.
      if (status === last || changes.length > 0) continue;
      stream.write(create(HealthCheckResponseSchema, { status }));
      last = status;
      await stream.drained();
    }
  } finally {
    stopWatching();
  }
}

function statusIn(state: SidecarState): ServingStatus {
  const isStopping = state === 'SHUTTING_DOWN' || state === 'STOPPED';
  return isPassing('/healthz', state) && !isStopping ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
}
