import { ErrorList, messageOf, UserFacingError } from '../../base/user-facing-error.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { composeOptions } from '../../contract/config/settings/compose-options.ts';
import { readConfigFile } from '../../contract/config/settings/config-file.ts';
import { defaultHealthPort } from '../../contract/config/settings/port-settings.ts';
import type { CheckPattern } from '../../contract/config/settings/setting.ts';
import { settings, sidecarConfigKeys } from '../../contract/config/settings.ts';
import { loadSidecarConfig } from '../../contract/config/sidecar-config.ts';
import { busHost } from '../names.ts';
import type { ReadHostFile } from './host-files.ts';
import type { Invocation } from './invocation.ts';
import { renameVariables } from './option-names.ts';
import { OptionReader } from './option-reader.ts';
import type { ServiceConfig } from './service-config.ts';

/** A file of this machine, mounted into a container. */
export interface Mount {
  readonly source: string;
  readonly target: string;
  /** For a file that is read once: a change of its text must replace the container. */
  readonly text?: string;
}

/** The checked and complete settings of one service for `up`. */
export interface ServiceSettings {
  readonly project: string;
  readonly service: string;
  /** The sidecar's variables, by their names in the contract. */
  readonly environment: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  readonly bus: 'given' | 'embedded';
  /** Of the embedded bus; absent: every caller may do everything. */
  readonly policy?: Mount;
  /** Absent: the provider's own. */
  readonly image?: string;
  readonly base?: string;
  readonly memoryMb: number;
  readonly timeoutMs: number;
  readonly stopTimeoutMs: number;
  readonly publish: readonly string[];
  readonly aliases: readonly string[];
  readonly networks: readonly string[];
  readonly user?: string;
  /** The variables of dependents: with Compose's prefix, with the contract's names, or none. */
  readonly variables: 'prefixed' | 'raw' | 'none';
  readonly pluginAddress: string;
}

export interface SettingSources {
  readonly readFile: ReadHostFile;
  readonly checkPattern: CheckPattern;
}

const { provider } = settings;

/**
 * Reads the settings of one service from its options, and image and networks also from the service itself, if they are known. The sidecar's own
 * parsers read the sidecar's settings.
 * @throws ErrorList with every problem, each naming its option.
 */
export function readServiceSettings(
  invocation: Invocation,
  sources: SettingSources,
  config?: ServiceConfig,
): ServiceSettings {
  const { project, service, options } = invocation;
  const reader = new OptionReader(options);
  const mounts = new Map(
    Object.keys(composeOptions).flatMap((name) => {
      const mount = readMount(reader, name, sources);
      return mount ? [[name, mount] as const] : [];
    }),
  );
  const bus = reader.read(provider.bus);
  const policy = mounts.get('policy');
  mounts.delete('policy');
  checkBusOptions(reader, bus, policy);
  const environment = readEnvironment(reader, { project, service, bus, mounts });
  const pluginAddress = checkSidecar(reader, environment, mounts.get('config'), sources.checkPattern);
  const variables = readVariables(reader, service);
  const settings: ServiceSettings = {
    project,
    service,
    environment,
    mounts: [...mounts.values()],
    bus,
    ...(policy && { policy }),
    ...(config?.image !== undefined && { image: config.image }),
    ...reader.given('image'),
    ...reader.given('base'),
    memoryMb: reader.read(provider.memoryMb),
    timeoutMs: reader.read(provider.timeoutMs),
    stopTimeoutMs: reader.read(provider.stopTimeoutMs),
    publish: reader.list(provider.publish),
    aliases: [...new Set([service, ...reader.list(provider.alias)])],
    networks: networksOf(reader, config),
    ...(reader.has('user') && { user: reader.read(provider.user) ?? '' }),
    variables,
    pluginAddress,
  };
  if (reader.errors.length > 0) throw new ErrorList(reader.errors);
  return settings;
}

function networksOf(reader: OptionReader, config: ServiceConfig | undefined): readonly string[] {
  if (reader.has('network')) return reader.list(provider.network);
  return config && config.networks.length > 0 ? config.networks : [provider.network.default ?? ''];
}

function readMount(reader: OptionReader, name: string, { readFile }: SettingSources): Mount | undefined {
  const target = composeOptions[name]?.mountedAt;
  const source = reader.raw(name);
  if (target === undefined || source === undefined) return undefined;
  if (!source.startsWith('/')) {
    reader.errors.push(
      new UserFacingError({
        id: 'compose/file/relative',
        found: `Option \`${name}\` is ${JSON.stringify(source)}, which is not an absolute path`,
        expected: 'Compose does not tell a provider where the Compose file is.',
        next: [`Write it as \${PWD}/${source.replace(/^\.\//, '')}, or with another variable.`],
        exitCode: exitCodes.configuration,
      }),
    );
    return undefined;
  }
  try {
    const text = readFile(source);
    // Certificates and tokens are read again when they change, so only the others belong to the container's spec.
    return name === 'config' || name === 'policy' ? { source, target, text } : { source, target };
  } catch (error) {
    reader.errors.push(
      new UserFacingError({
        id: 'compose/file/unreadable',
        found: `the file of option \`${name}\` cannot be read: ${messageOf(error)}`,
        next: [`Name a file of the machine that Compose runs on with \`${name}\`.`],
        exitCode: exitCodes.configuration,
      }),
    );
    return undefined;
  }
}

function checkBusOptions(reader: OptionReader, bus: 'given' | 'embedded', policy: Mount | undefined): void {
  const wrong =
    bus === 'embedded'
      ? ['bus-api-url', 'bus-proxy', 'bus-ca', 'bus-certificate', 'bus-key', 'bus-token-file'].filter((name) =>
          reader.has(name),
        )
      : policy && ['policy'];
  if (reader.raw('bus-proxy')?.includes('@')) reader.errors.push(passwordOnCommandLine());
  if (!wrong?.length) return;
  reader.errors.push(
    new UserFacingError({
      id: 'compose/bus/options',
      found: `${wrong.map((name) => `\`${name}\``).join(', ')} cannot be given together with \`bus: ${bus}\``,
      expected: 'A given bus has an address and credentials, an embedded one a policy.',
      next: [`Remove what does not belong to \`bus: ${bus}\`, or choose the other.`],
      exitCode: exitCodes.configuration,
    }),
  );
}

/** Options are visible in the list of processes, and a container's variables to everyone who may use the engine. */
function passwordOnCommandLine(): UserFacingError {
  return new UserFacingError({
    id: 'compose/bus/proxy-password',
    found: 'option `bus-proxy` holds a user or a password (it is not shown)',
    expected: 'A secret must come in a file.',
    next: ['Write it as `bus_proxy` into the file that option `config` names.'],
    exitCode: exitCodes.configuration,
  });
}

interface EnvironmentInputs {
  readonly project: string;
  readonly service: string;
  readonly bus: 'given' | 'embedded';
  readonly mounts: ReadonlyMap<string, Mount>;
}

function readEnvironment(reader: OptionReader, { project, service, bus, mounts }: EnvironmentInputs) {
  const environment: Record<string, string> = {};
  for (const [name, { variable }] of Object.entries(composeOptions)) {
    const value = mounts.get(name)?.target ?? reader.raw(name);
    if (variable !== undefined && value !== undefined) environment[variable] = value;
  }
  const config = mounts.get('config');
  const inFile = config && readConfigFile({ path: config.source, text: config.text ?? '' }, sidecarConfigKeys).values;
  if (!inFile?.has('instance_id')) environment['INSTANCE_ID'] ??= `${project}-${service}`;
  if (bus === 'embedded') environment['SIDECAR_BUS_API_URL'] = `${busHost(project)}:8443`;
  // The provider asks for readiness here, whatever the configuration file says.
  environment['SIDECAR_HEALTH_ADDR'] = `:${defaultHealthPort}`;
  return environment;
}

/** The address of the plugin's port, after the sidecar's own check of all its settings. */
function checkSidecar(
  reader: OptionReader,
  environment: Readonly<Record<string, string>>,
  config: Mount | undefined,
  checkPattern: CheckPattern,
): string {
  try {
    const configFile = config && { path: config.source, text: config.text ?? '' };
    return loadSidecarConfig({ environment, ...(configFile && { configFile }), checkPattern }).pluginAddress;
  } catch (error) {
    if (!(error instanceof ErrorList)) throw error;
    reader.errors.push(...error.errors.map(renameVariables));
    return '';
  }
}

function readVariables(reader: OptionReader, service: string): ServiceSettings['variables'] {
  if (!reader.read(provider.givesVariables)) return 'none';
  if (reader.read(provider.givesRawVariables)) return 'raw';
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(service)) return 'prefixed';
  reader.errors.push(
    new UserFacingError({
      id: 'compose/service/name',
      found: `dependents of the service "${service}" would get ${service.toUpperCase()}_ADDR, which no shell can read`,
      expected: 'Compose puts the name of the service in capitals before each variable.',
      next: [
        `Name the service ${service.replaceAll(/\W/g, '_').replace(/^(?=\d)/, '_')}, or give it the option \`env: false\`.`,
      ],
      exitCode: exitCodes.configuration,
    }),
  );
  return 'none';
}
