import type { SidecarState } from './sidecar-state.ts';

export interface HealthReply {
  readonly status: 200 | 503 | 404;
  readonly body: string;
  readonly contentType: string;
}

const contentType = 'text/plain; charset=utf-8';

/** Where the health server tells the whole status, as JSON. */
export const statusPath = '/status';

/** Where the health server tells the metrics, in the text format of Prometheus. */
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

const paths = [...Object.keys(failing), statusPath, metricsPath];

/** Whether a probe succeeds in a state. */
export function isPassing(probe: Probe, state: SidecarState): boolean {
  return !failing[probe].has(state);
}

/** What a probe of the health server is answered in a state: 200 or 503, with the state's name; 404 for another path. */
export function healthReply(path: string, state: SidecarState): HealthReply {
  const states = failing[path as Probe];
  if (!states) return { status: 404, body: `nothing here; there are ${paths.join(', ')}\n`, contentType };
  return { status: isPassing(path as Probe, state) ? 200 : 503, body: `${state}\n`, contentType };
}
