import { type EnvironmentVariableName, environmentVariables } from './environment.ts';

export type ComposeCommand = 'up' | 'down' | 'stop';

/** One entry of `provider.options` in a Compose file. */
export interface ComposeOption {
  readonly meaning: string;
  /** The variable of the sidecar that it becomes; absent: it is for the provider itself. */
  readonly variable?: EnvironmentVariableName;
  readonly type: 'string' | 'integer' | 'boolean';
  readonly default?: string;
  readonly values?: readonly string[];
  /** May be a list. */
  readonly repeats?: true;
  /** A file of the machine that Compose runs on, which the container sees under this path. */
  readonly mountedAt?: string;
  readonly commands: readonly ComposeCommand[];
}

const up = ['up'] as const;

/** An option that is a variable of the contract under another name. */
function mirror(variable: EnvironmentVariableName, more: Partial<ComposeOption> = {}): ComposeOption {
  return { meaning: environmentVariables[variable].meaning, variable, type: 'string', commands: up, ...more };
}

const ownMeaning = {
  image: 'Image of the sidecar, at least of this version; ours is built when the engine has none',
  base: 'Image that ours is built on, with Node 24, a shell and bash; read when it is built',
  bus: 'given: a Bus API that is there already; embedded: one of the project, shared by its sidecars',
  policy: 'Absolute path of the policy of the embedded bus; without it every caller may do everything',
  memory: 'Memory of the sidecar in whole megabytes',
  timeout: 'How long up waits for the sidecar to be ready',
  stopTimeout: 'How long the sidecar may drain before it is killed',
  publish: 'Port of the plugin that the machine publishes, as [address:]port:port[/udp]; may be a list',
  alias: "Further name of the plugin on the networks, beside the service's; may be a list",
  network: 'Network of the Compose file that the plugin is on; may be a list',
  env: 'false: dependents get no variables; with them, Compose 5.2 and later creates dependents anew at each up',
  raw: "true: dependents get the contract's own variable names; needs Compose 5.2",
  user: 'User of the containers, as uid[:gid]; for files that the user of the image cannot read',
} as const;

/** Every option of the provider, by name. */
export const composeOptions: Readonly<Record<string, ComposeOption>> = {
  'pool-type': mirror('POOL_TYPE'),
  'instance-id': mirror('INSTANCE_ID', {
    meaning: 'Unique name of this instance',
    default: "the project's name, a hyphen, the service's name",
  }),
  'requested-grants': mirror('REQUESTED_GRANTS', { default: '[]' }),
  tags: mirror('TAGS', { meaning: 'Comma-separated capability tags' }),
  config: mirror('SIDECAR_CONFIG', {
    meaning: 'Absolute path of a YAML file with further settings',
    mountedAt: '/etc/meridian/sidecar.yml',
  }),
  bus: {
    meaning: ownMeaning.bus,
    type: 'string',
    values: ['given', 'embedded'],
    default: 'given',
    commands: up,
  },
  'bus-api-url': mirror('SIDECAR_BUS_API_URL', { default: 'bus-api:8443' }),
  'bus-proxy': mirror('SIDECAR_BUS_PROXY', {
    meaning: 'HTTP proxy that tunnels to the bus by CONNECT, without a password; no other proxy variable is used',
    default: environmentVariables.SIDECAR_BUS_PROXY.default,
  }),
  'bus-ca': mirror('SIDECAR_BUS_CA', { mountedAt: '/etc/meridian/bus/ca.pem' }),
  'bus-certificate': mirror('SIDECAR_BUS_CERTIFICATE', { mountedAt: '/etc/meridian/bus/tls.crt' }),
  'bus-key': mirror('SIDECAR_BUS_KEY', { mountedAt: '/etc/meridian/bus/tls.key' }),
  'bus-token-file': mirror('SIDECAR_BUS_TOKEN_FILE', { mountedAt: '/etc/meridian/bus/token' }),
  policy: { meaning: ownMeaning.policy, type: 'string', mountedAt: '/etc/meridian/policy.yml', commands: up },
  addr: mirror('SIDECAR_ADDR', { default: '127.0.0.1:9191' }),
  'connect-timeout': mirror('SIDECAR_CONNECT_TIMEOUT', { default: '30s' }),
  'grant-timeout': mirror('SIDECAR_GRANT_TIMEOUT', { default: 'for ever' }),
  'exit-on-fault': mirror('SIDECAR_EXIT_ON_FAULT', { type: 'boolean', default: 'false' }),
  'log-level': mirror('SIDECAR_LOG_LEVEL', { default: 'info', values: ['debug', 'info', 'warn', 'error'] }),
  'log-format': mirror('SIDECAR_LOG_FORMAT', { default: 'text', values: ['text', 'json'] }),
  image: { meaning: ownMeaning.image, type: 'string', default: 'meridian-sidecar of this version', commands: up },
  base: { meaning: ownMeaning.base, type: 'string', commands: up },
  memory: { meaning: ownMeaning.memory, type: 'integer', default: '128', commands: up },
  timeout: { meaning: ownMeaning.timeout, type: 'string', default: '1m', commands: up },
  'stop-timeout': {
    meaning: ownMeaning.stopTimeout,
    type: 'string',
    default: '10s',
    commands: ['up', 'down', 'stop'],
  },
  publish: { meaning: ownMeaning.publish, type: 'string', repeats: true, commands: up },
  alias: { meaning: ownMeaning.alias, type: 'string', repeats: true, commands: up },
  network: { meaning: ownMeaning.network, type: 'string', default: 'default', repeats: true, commands: up },
  env: { meaning: ownMeaning.env, type: 'boolean', default: 'true', commands: up },
  raw: { meaning: ownMeaning.raw, type: 'boolean', default: 'false', commands: up },
  user: { meaning: ownMeaning.user, type: 'string', default: "the image's", commands: up },
};
