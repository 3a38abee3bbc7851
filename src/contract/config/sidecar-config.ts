import { type LogLevel, logLevels } from '../../base/log.ts';
import { FaultList, type UserFacingError } from '../../base/user-facing-error.ts';
import { type BusConnectionConfig, readBusConnection } from './bus-connection.ts';
import { type ConfigFile, readConfigFile } from './config-file.ts';
import type { Environment } from './environment.ts';
import { resolveInstanceId } from './instance-id.ts';
import { type OwnPorts, readOwnPorts } from './own-ports.ts';
import { type PlatformIdentity, readPlatformIdentity } from './platform-identity.ts';
import { type CheckPattern, parseRequestedGrants, type RequestedGrant } from './requested-grants.ts';
import { type BindingSources, noBindings } from './service-binding.ts';
import { type Reading, SettingReader, settingFault } from './setting-reader.ts';
import { flag, oneOf, type Parser, poolType, rejected, tags, text } from './setting-value.ts';
import { readTuning, type SidecarTuning, tuningKeys } from './sidecar-tuning.ts';

/** Everything the sidecar is told, checked and complete. */
export interface SidecarConfig extends SidecarTuning, BusConnectionConfig, OwnPorts {
  readonly instanceId: string;
  /** Orders two registrations of one instance id: the version of the app, then when this process started. */
  readonly revision: { readonly applicationVersion: string; readonly startedAtMs: number };
  readonly poolType: string;
  readonly requestedGrants: readonly RequestedGrant[];
  readonly tags: readonly string[];
  readonly image: string | undefined;
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
  /** The bound services; absent: none. */
  readonly bindings?: BindingSources;
  readonly checkPattern: CheckPattern;
  /** Milliseconds since the Unix epoch at which this process started; 0 when absent. */
  readonly startedAtMs?: number;
}

/** The dotted keys that a SIDECAR_CONFIG file may hold. */
export const sidecarConfigKeys: readonly string[] = [
  ...['instance_id', 'pool_type', 'image', 'requested_grants', 'tags', 'bus_api_url', 'bus_token_file'],
  ...['bus_service', 'bus_proxy'],
  ...['tls.ca', 'tls.certificate', 'tls.key', 'sidecar_addr', 'health_addr', 'status_addr'],
  ...['log_level', 'log_format', 'audit_log', 'exit_on_fault'],
  ...tuningKeys,
];

/**
 * Makes the configuration out of the environment, behind it the configuration file, behind that the defaults.
 * @throws FaultList with every fault, each naming its source, with exit code 78; no secret is repeated in it.
 */
export function loadSidecarConfig(sources: SidecarConfigSources): SidecarConfig {
  const { config, faults } = examineSidecarConfig(sources);
  if (faults.length > 0) throw new FaultList(faults);
  return config;
}

export interface ExaminedSidecarConfig {
  /** To be used only when there is no fault: what is wrong is replaced by its default, or by nothing. */
  readonly config: SidecarConfig;
  /** Every setting, with what it is and where that comes from. */
  readonly readings: readonly Reading[];
  readonly faults: readonly UserFacingError[];
}

/** Does what `loadSidecarConfig` does, and tells all that it found instead of throwing. */
export function examineSidecarConfig(sources: SidecarConfigSources): ExaminedSidecarConfig {
  const { environment, configFile } = sources;
  const file = configFile && readConfigFile(configFile, sidecarConfigKeys);
  const reader = new SettingReader(environment, configFile?.path ?? '', file?.values ?? new Map());
  reader.faults.push(...(file?.faults ?? []));
  const platform = readPlatform(reader, environment);
  const config: SidecarConfig = {
    ...readIdentity(reader, platform, sources),
    ...readBusConnection(reader, environment, sources.bindings ?? noBindings),
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
  return { config, readings: reader.readings, faults: reader.faults };
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
