import { FaultList, type UserFacingError } from '../../base/user-facing-error.ts';
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

/** Everything the sidecar is told, checked and complete. */
export interface SidecarConfig extends SidecarSettings, BusConnectionConfig, OwnPorts {
  /** Orders two registrations of one instance id: the version of the app, then when this process started. */
  readonly revision: { readonly applicationVersion: string; readonly startedAtMs: number };
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
  const { environment, configFile, checkPattern, startedAtMs = 0 } = sources;
  const identity = readPlatformIdentity(environment);
  const platform = identity.ok ? identity.value : undefined;
  const { reader, fileFaults } = openSettings({ environment, configFile, context: { platform, checkPattern } });
  reader.faults.push(...fileFaults);
  if (!identity.ok) reader.faults.push(platformFault(identity));
  const own = readGroup(reader, settings.sidecar);
  const config: SidecarConfig = {
    ...own,
    ...readOwnPorts(reader, environment),
    ...readBusConnection(reader, environment, sources.bindings ?? noBindings),
    revision: { applicationVersion: platform?.applicationVersion ?? '', startedAtMs },
  };
  checkSidecarSettings(reader, own);
  return { config, readings: reader.readings, faults: reader.faults };
}

/** Whatever depends on the platform's description is not judged when that cannot be read. */
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
