import { ErrorList, type UserFacingError } from '../../base/user-facing-error.ts';
import { type BusConnectionConfig, readBusConnection } from './bus/bus-connection.ts';
import { type BindingSources, noBindings } from './bus/service-binding.ts';
import type { Environment } from './environment.ts';
import { type OwnPorts, readOwnPorts } from './own-ports.ts';
import { type PlatformIdentity, readPlatformIdentity } from './platform-identity.ts';
import type { ConfigFile } from './settings/config-file.ts';
import { openSettings } from './settings/open-settings.ts';
import { type CheckPattern, isSetting, type SettingGroup, type SettingValues } from './settings/setting.ts';
import { type Reading, type SettingReader, settingFault } from './settings/setting-reader.ts';
import type { Parsed } from './settings/setting-value.ts';
import type { SidecarSettings } from './settings/sidecar-settings.ts';
import { settings } from './settings.ts';
import { checkSidecarSettings } from './sidecar-config-checks.ts';

/** The sidecar's configuration, checked and complete. */
export interface SidecarConfig extends SidecarSettings, BusConnectionConfig, OwnPorts {
  /** Orders two registrations of one instance id: by the app's version, then by when this process started. */
  readonly revision: { readonly applicationVersion: string; readonly startedAtMs: number };
}

export interface SidecarConfigSources {
  readonly environment: Environment;
  /** The content of the file that SIDECAR_CONFIG names. */
  readonly configFile?: ConfigFile;
  /** The bound services. Absent: none. */
  readonly bindings?: BindingSources;
  readonly checkPattern: CheckPattern;
  /** When this process started, in milliseconds since the Unix epoch. Absent: 0. */
  readonly startedAtMs?: number;
}

/**
 * Makes the configuration from the environment, then the configuration file, then the defaults.
 * @throws ErrorList with every error, each naming its source, and exit code 78. It repeats no secret.
 */
export function loadSidecarConfig(sources: SidecarConfigSources): SidecarConfig {
  const { config, errors } = examineSidecarConfig(sources);
  if (errors.length > 0) throw new ErrorList(errors);
  return config;
}

export interface ExaminedSidecarConfig {
  /** Valid only if there are no errors: a wrong value is replaced by its default, or by undefined. */
  readonly config: SidecarConfig;
  /** Every setting with its value and source. */
  readonly readings: readonly Reading[];
  readonly errors: readonly UserFacingError[];
}

/** Does the same as `loadSidecarConfig`, but returns everything found instead of throwing. */
export function examineSidecarConfig(sources: SidecarConfigSources): ExaminedSidecarConfig {
  const { environment, configFile, checkPattern, startedAtMs = 0 } = sources;
  const identity = readPlatformIdentity(environment);
  const platform = identity.ok ? identity.value : undefined;
  const { reader, fileErrors } = openSettings({ environment, configFile, context: { platform, checkPattern } });
  reader.errors.push(...fileErrors);
  if (!identity.ok) reader.errors.push(platformFault(identity));
  const own = readGroup(reader, settings.sidecar);
  const config: SidecarConfig = {
    ...own,
    ...readOwnPorts(reader, environment),
    ...readBusConnection(reader, environment, sources.bindings ?? noBindings),
    revision: { applicationVersion: platform?.applicationVersion ?? '', startedAtMs },
  };
  checkSidecarSettings(reader, own);
  return { config, readings: reader.readings, errors: reader.errors };
}

/** Settings that depend on the platform's description are not checked if that cannot be read. */
function platformFault({ fault, expected }: Parsed<PlatformIdentity> & { ok: false }): UserFacingError {
  return settingFault({
    subject: 'vcap-application',
    fault,
    found: 'VCAP_APPLICATION is not a JSON object',
    expected: `It must be ${expected}.`,
    next: 'Leave VCAP_APPLICATION to the platform, or unset it.',
  });
}

/** Reads every setting of a group, and of the groups in it. */
function readGroup<G extends SettingGroup>(reader: SettingReader, group: G): SettingValues<G> {
  const values = Object.entries(group).map(
    ([name, entry]) => [name, isSetting(entry) ? reader.read(entry) : readGroup(reader, entry)] as const,
  );
  return Object.fromEntries(values) as SettingValues<G>;
}
