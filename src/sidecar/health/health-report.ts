import type { HttpReply } from '../../transport/http/http-reply.ts';
import type { SidecarState } from '../lifecycle/sidecar-state.ts';

const contentType = 'text/plain; charset=utf-8';

/** The path of the whole status, as JSON. */
export const statusPath = '/status';

/** The path of the metrics, in the text format of Prometheus. */
export const metricsPath = '/metrics';

type Probe = '/livez' | '/readyz' | '/healthz';

const failing: Record<Probe, ReadonlySet<SidecarState>> = {
  '/livez': new Set(['FAULTED']),
  '/readyz': new Set([
    'STARTING',
    'REGISTERING',
    'RECOVERING',
    'READY',
    'DEGRADED',
    'FAULTED',
    'STANDBY',
    'SHUTTING_DOWN',
    'STOPPED',
  ]),
  '/healthz': new Set(['STARTING', 'REGISTERING', 'RECOVERING', 'FAULTED']),
};

const probes = Object.keys(failing);

export function isPassing(probe: Probe, state: SidecarState): boolean {
  return !failing[probe].has(state);
}

/** Answers a probe: 200 or 503, with the state's name; 404 for a path that is neither a probe nor one of `others`. */
export function healthReply(path: string, state: SidecarState, others: readonly string[] = []): HttpReply {
  if (!probes.includes(path)) {
    return { status: 404, body: `nothing here; there are ${[...probes, ...others].join(', ')}\n`, contentType };
  }
  return { status: isPassing(path as Probe, state) ? 200 : 503, body: `${state}\n`, contentType };
}
