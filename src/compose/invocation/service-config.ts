import type { Protocol } from './protocol.ts';

/** What the Compose file says of the provider's own service beside its options. */
export interface ServiceConfig {
  /** Undefined: it names none, and builds none. */
  readonly image?: string;
  /** Networks that the service names. */
  readonly networks: readonly string[];
  /** Keys of the service that have no effect on a provider. */
  readonly ineffective: readonly string[];
}

export interface ServiceConfigQuestion {
  readonly protocol: Protocol;
  /** The next line of stdin; undefined at its end, or if none comes. */
  readonly readLine: () => Promise<string | undefined>;
  readonly project: string;
  readonly service: string;
}

/** What people write for a container, and what a provider gets by options. */
const containerKeys = [
  ...['command', 'entrypoint', 'environment', 'env_file', 'healthcheck', 'labels', 'mem_limit', 'ports', 'restart'],
  ...['secrets', 'configs', 'user', 'volumes', 'working_dir', 'extra_hosts', 'network_mode', 'hostname'],
] as const;

/**
 * Asks Compose for the service as it has resolved it. Undefined if this Compose does not answer such questions, which versions before 5.6 do not:
 * https://github.com/docker/compose/blob/main/docs/extension.md#requesting-the-service-configuration
 */
export async function askServiceConfig(question: ServiceConfigQuestion): Promise<ServiceConfig | undefined> {
  const { protocol, readLine } = question;
  if (!protocol.takes('get-service-config')) return undefined;
  protocol.askServiceConfig();
  const line = await readLine();
  return line === undefined ? undefined : configIn(line, question);
}

function configIn(line: string, { project, service }: ServiceConfigQuestion): ServiceConfig | undefined {
  const read = parsed(line);
  if (typeof read !== 'object' || read === null) return undefined;
  const found = read as Readonly<Record<string, unknown>>;
  const { image, networks } = found;
  // Compose gives this name to what it builds, and here also to a service that has no image at all.
  const isNamed = typeof image === 'string' && image !== '' && image !== `${project}-${service}`;
  return {
    ...(isNamed && { image }),
    networks: typeof networks === 'object' && networks !== null ? Object.keys(networks) : [],
    ineffective: containerKeys.filter((key) => isGiven(found[key])),
  };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isGiven(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0) return false;
  return typeof value === 'object' ? Object.keys(value).length > 0 : true;
}
