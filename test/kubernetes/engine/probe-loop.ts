import { setTimeout as sleep } from 'node:timers/promises';
import { type ContainerSpec, type Probe, portOf } from './manifests.ts';
import type { Answer, Prober } from './prober.ts';

export interface ProbeLoop {
  readonly probe: Probe;
  readonly container: ContainerSpec;
  readonly host: string;
  readonly prober: Prober;
  readonly signal: AbortSignal;
  /** So many answers of one kind in a row have come; called for each further one too. */
  readonly onVerdict: (isGood: boolean, answer: Answer) => void;
}

// What Kubernetes takes where a manifest says nothing; one good answer is always enough.
const periodSeconds = 10;
const failureThreshold = 3;
const timeoutMs = 1_000;

/** Asks again and again until the signal comes. */
export async function runProbe({ probe, container, host, prober, signal, onVerdict }: ProbeLoop): Promise<void> {
  const question = questionOf(probe, container);
  let failures = 0;
  while (!signal.aborted) {
    const answer = await prober.ask({ ...question, host, timeoutMs });
    if (signal.aborted) return;
    failures = answer.isGood ? 0 : failures + 1;
    if (answer.isGood || failures >= (probe.failureThreshold ?? failureThreshold)) onVerdict(answer.isGood, answer);
    await sleep((probe.periodSeconds ?? periodSeconds) * 1_000, undefined, { signal }).catch(() => {});
  }
}

function questionOf(probe: Probe, container: ContainerSpec) {
  const { httpGet, tcpSocket, grpc } = probe;
  const ways = [
    ...(httpGet ? [{ by: 'http' as const, path: httpGet.path, port: httpGet.port }] : []),
    ...(tcpSocket ? [{ by: 'tcp' as const, port: tcpSocket.port }] : []),
    ...(grpc ? [{ by: 'grpc' as const, port: grpc.port }] : []),
  ];
  const [way] = ways;
  if (way === undefined || ways.length > 1) throw new Error(`a probe of ${container.name} must ask in one way`);
  const port = portOf(container, way.port);
  if (port === undefined) throw new Error(`${container.name} has no port ${way.port}`);
  return { ...way, port };
}
