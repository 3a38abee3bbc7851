import type { SidecarState } from './sidecar-state.ts';

export interface HealthReply {
  readonly status: 200 | 503 | 404;
  readonly body: string;
}

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

/** What a probe of the health server is answered in a state: 200 or 503, with the state's name; 404 for another path. */
export function healthReply(path: string, state: SidecarState): HealthReply {
  const states = failing[path as Probe];
  if (!states) return { status: 404, body: `no such probe; there are ${Object.keys(failing).join(', ')}\n` };
  return { status: states.has(state) ? 503 : 200, body: `${state}\n` };
}
