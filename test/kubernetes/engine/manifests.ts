import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { root } from '../../compose/engine/build-dir.ts';
import { checkFields } from './known-fields.ts';

export interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: number | string };
  readonly tcpSocket?: { readonly port: number | string };
  readonly grpc?: { readonly port: number };
  readonly periodSeconds?: number;
  readonly failureThreshold?: number;
  readonly terminationGracePeriodSeconds?: number;
}

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly resources: { readonly requests: { readonly cpu: string }; readonly limits: { readonly memory: string } };
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: true }[];
}

export interface PodSpec {
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: { readonly runAsUser: number; readonly runAsGroup: number; readonly fsGroup: number };
  /** All of them native sidecars. */
  readonly initContainers?: readonly ContainerSpec[];
  readonly containers: readonly ContainerSpec[];
  readonly volumes?: readonly {
    readonly name: string;
    readonly configMap?: { readonly name: string };
    readonly secret?: { readonly secretName: string; readonly defaultMode: number };
  }[];
}

export interface StatefulSet {
  readonly name: string;
  readonly replicas: number;
  readonly pod: PodSpec;
  /** Of the services that select its pods. */
  readonly services: readonly string[];
  readonly claims: readonly string[];
}

export interface Manifests {
  readonly sets: readonly StatefulSet[];
  /** What ConfigMaps and Secrets hold, by `configMap NAME` and `secret NAME`. */
  readonly data: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** What Kubernetes sets in each container for each service with an address. */
  readonly serviceVariables: Readonly<Record<string, string>>;
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

type Labels = Readonly<Record<string, string>>;

interface ServiceSpec {
  readonly selector: Labels;
  readonly clusterIP?: 'None';
  readonly ports?: readonly { readonly name: string; readonly port: number; readonly targetPort: number | string }[];
}

interface SetSpec {
  readonly serviceName: string;
  readonly replicas: number;
  readonly selector: { readonly matchLabels: Labels };
  readonly template: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec };
  readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
}

/** Reads files of `fixtures/kubernetes`. @throws Error for what these tests do not play, and for names that lead nowhere. */
export function readManifests(...files: readonly string[]): Manifests {
  return manifestsOf(
    files.map((file) => readFileSync(path.join(root, 'fixtures/kubernetes', file), 'utf8')).join('\n---\n'),
  );
}

/** As `readManifests`, of a text. */
export function manifestsOf(text: string): Manifests {
  const manifests = parseAllDocuments(text).map((document) => document.toJS() as Manifest);
  manifests.forEach(checkFields);
  const specs = <Spec>(kind: string): { name: string; spec: Spec }[] =>
    manifests
      .filter((manifest) => manifest.kind === kind)
      .map(({ metadata, spec }) => ({ name: metadata.name, spec: spec as Spec }));
  const services = specs<ServiceSpec>('Service');
  const data = new Map<string, Labels>();
  for (const { metadata, data: files, stringData } of manifests) {
    if (files) data.set(`configMap ${metadata.name}`, files);
    if (stringData) data.set(`secret ${metadata.name}`, stringData);
  }
  return {
    sets: specs<SetSpec>('StatefulSet').map(({ name, spec }) => setOf(name, spec, services)),
    data,
    serviceVariables: Object.assign({}, ...services.map(({ name, spec }) => variablesOf(name, spec))),
  };
}

function setOf(name: string, spec: SetSpec, services: readonly { name: string; spec: ServiceSpec }[]): StatefulSet {
  const { labels } = spec.template.metadata;
  const selects = (selector: Labels): boolean =>
    Object.entries(selector).every(([key, value]) => labels[key] === value);
  if (!selects(spec.selector.matchLabels)) throw new Error(`StatefulSet ${name} does not select its own pods`);
  const own = services.filter(({ spec: { selector } }) => selects(selector));
  if (!own.some((service) => service.name === spec.serviceName))
    throw new Error(`the service ${spec.serviceName} of StatefulSet ${name} does not select its pods`);
  const pod = spec.template.spec;
  // A name of the engine's network stands for the service, and cannot lead to another port.
  for (const { ports = [] } of own.map((service) => service.spec))
    for (const { port, targetPort } of ports)
      if (!pod.containers.some((container) => portOf(container, targetPort) === port))
        throw new Error(`no container of ${name} listens where its service leads: ${targetPort}`);
  return {
    name,
    pod,
    replicas: spec.replicas,
    services: own.map((service) => service.name),
    claims: (spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name),
  };
}

/** The number of a port that may be named; undefined for a name that the container does not have. */
export function portOf({ ports = [] }: ContainerSpec, port: number | string): number | undefined {
  return typeof port === 'number' ? port : ports.find(({ name }) => name === port)?.containerPort;
}

function variablesOf(name: string, { clusterIP, ports: [first] = [] }: ServiceSpec): Record<string, string> {
  if (clusterIP === 'None' || first === undefined) return {};
  const prefix = name.toUpperCase().replaceAll('-', '_');
  return {
    [`${prefix}_SERVICE_HOST`]: name,
    [`${prefix}_SERVICE_PORT`]: `${first.port}`,
    [`${prefix}_SERVICE_PORT_${first.name.toUpperCase()}`]: `${first.port}`,
    [`${prefix}_PORT`]: `tcp://${name}:${first.port}`,
  };
}
