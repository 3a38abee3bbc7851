import { containerUser, networkName, publishedPort } from './compose-values.ts';
import { type SettingGroup, setting } from './setting.ts';
import { duration, flag, oneOf, text } from './setting-value.ts';
import { megabytes } from './staging-values.ts';

/** None of our processes reads these from its environment. */
const provider = { readBy: [] } as const;

/** Options of the Compose provider that do not become settings of the sidecar. */
export const providerSettings = {
  bus: setting({
    ...provider,
    option: { name: 'bus' },
    meaning: 'given: an existing Bus API; embedded: a bus of the project, shared by its sidecars',
    default: 'given',
    parse: oneOf(['given', 'embedded']),
  }),
  policy: setting({
    ...provider,
    option: { name: 'policy', mountedAt: '/etc/meridian/policy.yml' },
    meaning: 'Absolute path of the policy of the embedded bus; without it every caller may do everything',
    parse: text,
  }),
  image: setting({
    ...provider,
    option: { name: 'image' },
    meaning: 'Image of the sidecar, at least of this version; the provider builds one when the engine has none',
    unset: 'meridian-sidecar of this version',
    parse: text,
  }),
  base: setting({
    ...provider,
    option: { name: 'base' },
    meaning: 'Base of the image that the provider builds, with Node 24, a shell and bash; read at the build',
    parse: text,
  }),
  memoryMb: setting({
    ...provider,
    option: { name: 'memory' },
    meaning: 'Memory of the sidecar in whole megabytes',
    default: '128',
    parse: megabytes,
  }),
  timeoutMs: setting({
    ...provider,
    option: { name: 'timeout' },
    meaning: 'How long up waits for the sidecar to be ready',
    default: '1m',
    parse: duration,
  }),
  stopTimeoutMs: setting({
    ...provider,
    option: { name: 'stop-timeout', commands: ['up', 'down', 'stop'] },
    meaning: 'How long the sidecar may drain before it is killed',
    default: '10s',
    parse: duration,
  }),
  publish: setting({
    ...provider,
    option: { name: 'publish', repeats: true },
    meaning: 'Port of the plugin that the machine publishes, as [address:]port:port[/udp]; may be a list',
    parse: publishedPort,
  }),
  alias: setting({
    ...provider,
    option: { name: 'alias', repeats: true },
    meaning: "Additional name of the plugin on the networks, beside the service's; may be a list",
    parse: networkName,
  }),
  network: setting({
    ...provider,
    option: { name: 'network', repeats: true },
    meaning: 'Network of the Compose file that the plugin is on; may be a list',
    default: 'default',
    parse: networkName,
  }),
  givesVariables: setting({
    ...provider,
    option: { name: 'env' },
    meaning: 'false: dependents get no variables; with them, Compose 5.2 and later creates dependents anew at each up',
    default: 'true',
    parse: flag,
  }),
  givesRawVariables: setting({
    ...provider,
    option: { name: 'raw' },
    meaning: "true: dependents get the contract's own variable names; needs Compose 5.2",
    default: 'false',
    parse: flag,
  }),
  user: setting({
    ...provider,
    option: { name: 'user' },
    meaning: 'User of the containers, as uid[:gid]; for files that the user of the image cannot read',
    unset: "the image's",
    parse: containerUser,
  }),
} as const satisfies SettingGroup;
