import { type LogLevel, logLevels } from '../../base/log.ts';
import { FaultList } from '../../base/user-facing-error.ts';
import { busApiAddress, type ListenAddress, listenAddress, loopbackAddress } from './addresses.ts';
import { type ConfigFile, readConfigFile } from './config-file.ts';
import { type Environment, readVariable } from './environment.ts';
import { resolveInstanceId } from './instance-id.ts';
import { type PlatformIdentity, readPlatformIdentity } from './platform-identity.ts';
import { type CheckPattern, parseRequestedGrants, type RequestedGrant } from './requested-grants.ts';
import { Secret } from './secret.ts';
import { SettingReader, settingFault } from './setting-reader.ts';
import { accepted, flag, oneOf, type Parser, poolType, rejected, tags, text } from './setting-value.ts';
import { readTuning, type SidecarTuning, tuningKeys } from './sidecar-tuning.ts';

/** Everything the sidecar is told, checked and complete. */
export interface SidecarConfig extends SidecarTuning {
  readonly instanceId: string;
  /** Orders two registrations of one instance id: the version of the app, then when this process started. */
  readonly revision: { readonly applicationVersion: string; readonly startedAtMs: number };
  readonly poolType: string;
  readonly requestedGrants: readonly RequestedGrant[];
  readonly tags: readonly string[];
  readonly image: string | undefined;
  readonly busApiUrl: {
    readonly host: string;
    readonly port: number;
    /** `host:port`, an IPv6 host in brackets. */
    readonly address: string;
    readonly tls: boolean;
  };
  /** Paths of PEM files. */
  readonly tls: {
    readonly caFile: string | undefined;
    readonly certificateFile: string | undefined;
    readonly keyFile: string | undefined;
  };
  readonly busToken: Secret | undefined;
  /** Holds the token when `busToken` is not given; read by the sidecar, since a mounted file may rotate. */
  readonly busTokenFile: string | undefined;
  /** `host:port` on loopback. */
  readonly pluginAddress: string;
  readonly healthAddress: ListenAddress;
  readonly logLevel: LogLevel;
  readonly logFormat: 'text' | 'json';
  /** A file path, or `-` for stdout; undefined: no audit log. */
  readonly auditLog: string | undefined;
  /** Whether a faulted plugin ends the sidecar, and with it the container; so by default on Cloud Foundry. */
  readonly exitOnFault: boolean;
}

export interface SidecarConfigSources {
  readonly environment: Environment;
  /** The file that SIDECAR_CONFIG names, as it was read. */
  readonly configFile?: ConfigFile;
  readonly checkPattern: CheckPattern;
  /** Milliseconds since the Unix epoch at which this process started; 0 when absent. */
  readonly startedAtMs?: number;
}

const ownKeys = [
  ...['instance_id', 'pool_type', 'image', 'requested_grants', 'tags', 'bus_api_url', 'bus_token_file'],
  ...['tls.ca', 'tls.certificate', 'tls.key', 'sidecar_addr', 'health_addr'],
  ...['log_level', 'log_format', 'audit_log', 'exit_on_fault'],
];

/**
 * Makes the configuration out of the environment, behind it the configuration file, behind that the defaults.
 * @throws FaultList with every fault, each naming its source, with exit code 78; no secret is repeated in it.
 */
export function loadSidecarConfig(sources: SidecarConfigSources): SidecarConfig {
  const { environment, configFile } = sources;
  const file = configFile && readConfigFile(configFile, [...ownKeys, ...tuningKeys]);
  const reader = new SettingReader(environment, configFile?.path ?? '', file?.values ?? new Map());
  reader.faults.push(...(file?.faults ?? []));
  const platform = readPlatform(reader, environment);
  const config: SidecarConfig = {
    ...readIdentity(reader, platform, sources),
    ...readBus(reader),
    ...readOwnPorts(reader, environment),
    logLevel: reader.read({ variable: 'SIDECAR_LOG_LEVEL', key: 'log_level' }, oneOf(logLevels), 'info'),
    logFormat: reader.read({ variable: 'SIDECAR_LOG_FORMAT', key: 'log_format' }, oneOf(['text', 'json']), 'text'),
    auditLog: reader.read({ variable: 'SIDECAR_AUDIT_LOG', key: 'audit_log' }, text, undefined),
    exitOnFault: reader.read(
      { variable: 'SIDECAR_EXIT_ON_FAULT', key: 'exit_on_fault' },
      flag,
      platform?.onCloudFoundry ?? false,
    ),
    ...readTuning(reader, platform?.onCloudFoundry ?? false),
  };
  if (reader.faults.length > 0) throw new FaultList(reader.faults);
  return config;
}

/** Undefined when VCAP_APPLICATION is broken: whatever depends on it is then not judged. */
function readPlatform(reader: SettingReader, environment: Environment): PlatformIdentity | undefined {
  const identity = readPlatformIdentity(environment);
  if (identity.ok) return identity.value;
  reader.faults.push(
    settingFault({
      subject: 'vcap-application',
      fault: identity.fault,
      found: 'VCAP_APPLICATION is not a JSON object',
      expected: `It must be ${identity.expected}.`,
      next: 'Leave VCAP_APPLICATION to the platform, or unset it.',
    }),
  );
  return undefined;
}

function readIdentity(reader: SettingReader, platform: PlatformIdentity | undefined, sources: SidecarConfigSources) {
  const idName = { variable: 'INSTANCE_ID', key: 'instance_id' } as const;
  const template = reader.read(idName, text, undefined);
  const instanceId = platform ? reader.check(idName, template, resolveInstanceId(template, platform), '') : '';
  const grants: Parser<readonly RequestedGrant[]> = (raw) => parseRequestedGrants(raw, sources.checkPattern);
  const poolTypeName = { variable: 'POOL_TYPE', key: 'pool_type' } as const;
  const pool = reader.raw(poolTypeName);
  return {
    instanceId,
    revision: { applicationVersion: platform?.applicationVersion ?? '', startedAtMs: sources.startedAtMs ?? 0 },
    poolType: reader.check(
      poolTypeName,
      pool,
      pool === undefined
        ? rejected('missing', 'set, to the classification of the plugin, such as `OMSPool`')
        : poolType(pool),
      '',
    ),
    image: reader.read({ variable: 'IMAGE', key: 'image' }, text, undefined),
    requestedGrants: reader.read({ variable: 'REQUESTED_GRANTS', key: 'requested_grants' }, grants, []),
    tags: reader.read({ variable: 'TAGS', key: 'tags' }, tags, []),
  };
}

function readBus(reader: SettingReader) {
  const urlName = { variable: 'SIDECAR_BUS_API_URL', key: 'bus_api_url' } as const;
  const { scheme, ...address } = reader.read(urlName, busApiAddress, {
    host: 'bus-api',
    port: 8443,
    address: 'bus-api:8443',
    scheme: undefined,
  });
  const tls = {
    caFile: reader.read({ variable: 'SIDECAR_BUS_CA', key: 'tls.ca' }, text, undefined),
    certificateFile: reader.read({ variable: 'SIDECAR_BUS_CERTIFICATE', key: 'tls.certificate' }, text, undefined),
    keyFile: reader.read({ variable: 'SIDECAR_BUS_KEY', key: 'tls.key' }, text, undefined),
  };
  const filesGiven = tls.caFile !== undefined || tls.certificateFile !== undefined;
  checkTls(reader, tls, scheme === 'http' && filesGiven);
  return {
    busApiUrl: { ...address, tls: scheme === 'https' || filesGiven },
    tls,
    busToken: reader.read({ variable: 'SIDECAR_BUS_TOKEN' }, token, undefined),
    busTokenFile: reader.read({ variable: 'SIDECAR_BUS_TOKEN_FILE', key: 'bus_token_file' }, text, undefined),
  };
}

function checkTls(reader: SettingReader, tls: SidecarConfig['tls'], plainSchemeWithFiles: boolean): void {
  if ((tls.certificateFile === undefined) !== (tls.keyFile === undefined)) {
    const [given, missing] =
      tls.keyFile === undefined
        ? ['SIDECAR_BUS_CERTIFICATE', 'SIDECAR_BUS_KEY']
        : ['SIDECAR_BUS_KEY', 'SIDECAR_BUS_CERTIFICATE'];
    reader.faults.push(
      settingFault({
        subject: 'tls',
        fault: 'half-given',
        found: `${given} is set and ${missing} is not`,
        expected: 'A client certificate and its key belong together.',
        next: `Set ${missing} too, or unset ${given}.`,
      }),
    );
  }
  if (plainSchemeWithFiles) {
    reader.faults.push(
      settingFault({
        subject: 'bus-api-url',
        fault: 'plain-with-tls-files',
        found: 'SIDECAR_BUS_API_URL starts with http:// and a CA or a certificate is set',
        expected: 'A CA or a certificate turns TLS on, and http:// turns it off.',
        next: 'Write https://, or unset SIDECAR_BUS_CA and SIDECAR_BUS_CERTIFICATE.',
      }),
    );
  }
}

function readOwnPorts(reader: SettingReader, environment: Environment) {
  const healthName = { variable: 'SIDECAR_HEALTH_ADDR', key: 'health_addr' } as const;
  const pluginAddress = reader.read(
    { variable: 'SIDECAR_ADDR', key: 'sidecar_addr' },
    loopbackAddress,
    '127.0.0.1:9191',
  );
  const pluginPort = Number(pluginAddress.slice(pluginAddress.lastIndexOf(':') + 1));
  const parseHealth: Parser<ListenAddress> = (raw) => {
    const parsed = listenAddress(readVariable(environment, 'PORT'))(raw);
    return parsed.ok && parsed.value.port === pluginPort && pluginPort !== 0
      ? rejected('taken', `on another port than the plugin's, ${pluginPort}`)
      : parsed;
  };
  return { pluginAddress, healthAddress: reader.read(healthName, parseHealth, { host: undefined, port: 9192 }) };
}

/** A token travels in a header, so it holds visible ASCII only. */
const token: Parser<Secret> = (raw) =>
  typeof raw === 'string' && /^[\x21-\x7e]+$/.test(raw)
    ? accepted(new Secret(raw))
    : rejected('malformed', 'a token of visible ASCII characters without blanks');
