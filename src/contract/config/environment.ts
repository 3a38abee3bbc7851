/** Who reads a variable: the buildpack while staging, the sidecar while running, or the plugin. */
export type EnvironmentReader = 'staging' | 'run' | 'plugin';

export interface EnvironmentVariable {
  readonly meaning: string;
  /** What holds when it is unset; undefined: nothing does. */
  readonly default?: string;
  readonly example: string;
  readonly readBy: readonly EnvironmentReader[];
  /** Its value is never printed. */
  readonly secret?: true;
}

/** Every variable that a person may set, by name. */
export const environmentVariables = {
  INSTANCE_ID: {
    meaning: 'Unique name of this instance; may hold {space} {app} {process} {index}',
    default:
      'on Cloud Foundry {app}-{index}, with -{process} before the index when that is not web; elsewhere required',
    example: 'oms-1',
    readBy: ['staging', 'run'],
  },
  POOL_TYPE: { meaning: 'Classification of the plugin; required', example: 'OMSPool', readBy: ['staging', 'run'] },
  IMAGE: {
    meaning: 'Container image reference, for information only',
    example: 'registry.example/oms:1.2.0',
    readBy: ['run'],
  },
  REQUESTED_GRANTS: {
    meaning: 'JSON array of {topic, action} grants to ask the bus for',
    default: '[]',
    example: '[{"topic":"platform.data.*","action":"publish"}]',
    readBy: ['staging', 'run'],
  },
  TAGS: { meaning: 'Comma-separated capability tags', example: 'eod,yahoo', readBy: ['staging', 'run'] },
  SIDECAR_CONFIG: {
    meaning: 'Path of a YAML file, relative to the root of the app',
    example: 'sidecar.yml',
    readBy: ['run'],
  },
  SIDECAR_BUS_API_URL: {
    meaning: 'Address of the Bus API; https:// turns TLS on',
    default: 'bus-api:8443',
    example: 'https://bus.example:8443',
    readBy: ['run'],
  },
  SIDECAR_BUS_SERVICE: {
    meaning: 'Name of the bound service that leads to the bus',
    default: 'the one tagged meridian-bus',
    example: 'bus-prod',
    readBy: ['run'],
  },
  SIDECAR_BUS_PROXY: {
    meaning: 'HTTP proxy that tunnels to the bus by CONNECT; may hold a password. No other proxy variable is used',
    default: 'none: the bus is reached directly',
    example: 'http://proxy.example:3128',
    readBy: ['run'],
    secret: true,
  },
  SIDECAR_BUS_CA: {
    meaning: 'PEM file with the authorities that may sign the Bus API',
    example: '/etc/meridian/ca.pem',
    readBy: ['run'],
  },
  SIDECAR_BUS_CERTIFICATE: {
    meaning: 'PEM file with the client certificate',
    example: '/etc/meridian/tls.crt',
    readBy: ['run'],
  },
  SIDECAR_BUS_KEY: {
    meaning: 'PEM file with the key of the client certificate',
    example: '/etc/meridian/tls.key',
    readBy: ['run'],
  },
  SIDECAR_BUS_TOKEN: {
    meaning: 'Token that proves who this sidecar is',
    example: '(secret)',
    readBy: ['run'],
    secret: true,
  },
  SIDECAR_BUS_TOKEN_FILE: { meaning: 'File that holds the token', example: '/run/secrets/bus-token', readBy: ['run'] },
  SIDECAR_ADDR: {
    meaning: 'Where the sidecar accepts its plugin; loopback only',
    default: '127.0.0.1:9191',
    example: '127.0.0.1:9191',
    readBy: ['run', 'plugin'],
  },
  MERIDIAN_SIDECAR_ADDRESS: {
    meaning: 'The same address under the name that the published Python SDK reads',
    default: '127.0.0.1:9191',
    example: '127.0.0.1:9191',
    readBy: ['plugin'],
  },
  SIDECAR_HEALTH_ADDR: {
    meaning: 'Where probes are answered; $PORT is expanded',
    default: ':9192',
    example: '127.0.0.1:9192',
    readBy: ['run'],
  },
  SIDECAR_STATUS_ADDR: {
    meaning: 'Where /status and /metrics are served; never on the port of $PORT',
    default: 'SIDECAR_HEALTH_ADDR; 127.0.0.1:9192 when that has the port of $PORT',
    example: '127.0.0.1:9192',
    readBy: ['run'],
  },
  SIDECAR_LOG_LEVEL: { meaning: 'debug, info, warn or error', default: 'info', example: 'debug', readBy: ['run'] },
  SIDECAR_LOG_FORMAT: { meaning: 'text or json', default: 'text', example: 'json', readBy: ['run'] },
  SIDECAR_AUDIT_LOG: {
    meaning: 'File that takes one JSON line per message published and delivered; - for stdout',
    default: 'none',
    example: '/var/log/meridian/audit.log',
    readBy: ['run'],
  },
  SIDECAR_HOLD_APP: {
    meaning: 'true: the app starts once its sidecar is ready, or after 45 s',
    default: 'false',
    example: 'true',
    readBy: ['staging'],
  },
  SIDECAR_EXIT_ON_FAULT: {
    meaning: 'true: exit 70 once the plugin is faulted, so that the platform restarts both',
    default: 'on Cloud Foundry true; elsewhere false',
    example: 'true',
    readBy: ['run'],
  },
  SIDECAR_CONNECT_TIMEOUT: {
    meaning: 'How long step 1 tries to reach the bus',
    default: '30s',
    example: '1m',
    readBy: ['run'],
  },
  SIDECAR_GRANT_TIMEOUT: {
    meaning: 'How long step 3 waits for a decision on the grants',
    default: 'for ever; on Cloud Foundry 50s',
    example: '10m',
    readBy: ['run'],
  },
  SIDECAR_MEMORY: {
    meaning: 'Memory of the sidecar in whole megabytes',
    default: '128',
    example: '192',
    readBy: ['staging'],
  },
  SIDECAR_FOR: {
    meaning: 'Comma-separated process types that get a sidecar',
    default: 'web',
    example: 'web,worker',
    readBy: ['staging'],
  },
  SIDECAR_DEPENDENCY_MIRROR: {
    meaning: 'What replaces https://HOST where an uncached package downloads its runtime; may hold a password',
    example: 'https://mirror.example/buildpacks',
    readBy: ['staging'],
    secret: true,
  },
  SIDECAR_DOWNLOAD_STALL_TIMEOUT: {
    meaning: 'How long that download may bring next to nothing, in whole seconds or minutes',
    default: '30s',
    example: '2m',
    readBy: ['staging'],
  },
} as const satisfies Readonly<Record<string, EnvironmentVariable>>;

export type EnvironmentVariableName = keyof typeof environmentVariables;

/** A process's environment, as `process.env` gives it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The value of a variable without surrounding blanks; a blank one counts as unset, as Compose files write it. */
export function readVariable(environment: Environment, name: string): string | undefined {
  const value = environment[name]?.trim();
  return value === '' ? undefined : value;
}
