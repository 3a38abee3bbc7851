import { ErrorList, type UserFacingError } from '../base/user-facing-error.ts';
import { listenAddress, loopbackAddress } from '../contract/config/addresses.ts';
import type { BindingSources } from '../contract/config/bus/service-binding.ts';
import { type Environment, readVariable } from '../contract/config/environment.ts';
import { readPlatformIdentity } from '../contract/config/platform-identity.ts';
import type { ConfigFile } from '../contract/config/settings/config-file.ts';
import { openSettings } from '../contract/config/settings/open-settings.ts';
import type { Setting } from '../contract/config/settings/setting.ts';
import type { SettingReader } from '../contract/config/settings/setting-reader.ts';
import { settings } from '../contract/config/settings.ts';
import { loadSidecarConfig, type SidecarConfig } from '../contract/config/sidecar-config.ts';
import { unknownVariables } from '../contract/config/variable-slips.ts';

/** A value and its source, such as `SIDECAR_MEMORY`; undefined: it is the default. */
export interface Choice<T> {
  readonly value: T;
  readonly origin: string | undefined;
}

/** The settings of a staging, with all their problems. */
export interface StagingInputs {
  readonly memoryMb: Choice<number>;
  /** The process types that get a sidecar, each once. */
  readonly sidecarFor: Choice<readonly string[]>;
  readonly instanceId: Choice<string>;
  /** The address that the plugin uses for its sidecar when SIDECAR_ADDR is not set, as `host:port`. */
  readonly pluginAddress: string;
  /** The sidecar's health address when SIDECAR_HEALTH_ADDR is not set, in that variable's form. */
  readonly healthAddress: string;
  readonly busAddress: Choice<string>;
  readonly holdsApp: boolean;
  readonly warnings: readonly string[];
  readonly errors: readonly UserFacingError[];
}

export interface StagingSources {
  readonly environment: Environment;
  /** The file that SIDECAR_CONFIG names; undefined when the variable is unset or the file does not exist. */
  readonly configFile: ConfigFile | undefined;
  readonly bindings: BindingSources;
}

/**
 * Reads the variables that apply at staging, and checks those of the run that are already known: a failed push explains more
 * than a crashing container. A variable that may be set later causes a warning only.
 */
export function readStagingInputs(sources: StagingSources): StagingInputs {
  const { environment, configFile } = sources;
  const { reader } = openSettings({ environment, configFile });
  const { memoryMb, sidecarFor, holdsApp } = settings.staging;
  const { instanceId } = settings.sidecar;
  const { pluginAddress, healthAddress } = settings.ports;
  const run = checkRun(sources);
  const addressInFile = loopbackAddress(reader.inFile(pluginAddress));
  const healthInFile = reader.inFile(healthAddress);
  const memory = choiceOf(reader, memoryMb);
  const types = choiceOf(reader, sidecarFor);
  return {
    memoryMb: memory,
    sidecarFor: types,
    instanceId: { value: String(reader.raw(instanceId) ?? '{app}-{index}'), origin: reader.originOf(instanceId) },
    pluginAddress: addressInFile.ok ? addressInFile.value : (pluginAddress.default ?? ''),
    healthAddress: listenAddress('0')(healthInFile).ok ? String(healthInFile) : (healthAddress.default ?? ''),
    busAddress: { value: shownAddress(run.config), origin: run.config?.busApiUrl.origin },
    holdsApp: reader.read(holdsApp),
    warnings: [
      ...unknownVariableWarnings(environment),
      ...missingFileWarning(sources),
      ...sharedIdWarning(reader.raw(instanceId), types.value),
      ...run.warnings,
    ],
    errors: [...reader.errors, ...run.errors],
  };
}

function choiceOf<V>(reader: SettingReader, setting: Setting<V>): Choice<V> {
  return { value: reader.read(setting), origin: reader.originOf(setting) };
}

/** The sidecar's own check of its variables, without problems that only a running instance can have. */
function checkRun({ environment, configFile, bindings }: StagingSources): {
  readonly config?: SidecarConfig;
  readonly warnings: readonly string[];
  readonly errors: readonly UserFacingError[];
} {
  const assumed = { ...environment, PORT: '8080', VCAP_APPLICATION: assumedInstance(environment) };
  try {
    const config = loadSidecarConfig({
      environment: assumed,
      ...(configFile && { configFile }),
      // Files that the platform adds only for a run are not missing at staging.
      bindings: { ...bindings, unreadable: [] },
      // Only the sidecar checks the topic grammar; staging checks the shape of the grants only.
      checkPattern: () => undefined,
    });
    return { config, warnings: [], errors: [] };
  } catch (error) {
    if (!(error instanceof ErrorList)) throw error;
    const errors = error.errors.filter(({ id }) => id !== poolTypeMissing);
    // A file that does not exist yet may contain it.
    const mayFollow = configFile === undefined && readVariable(environment, 'SIDECAR_CONFIG') !== undefined;
    const isWarned = errors.length < error.errors.length && !mayFollow;
    if (errors.length > 0) return { warnings: isWarned ? [poolTypeWarning] : [], errors };
    const rest = checkRun({ environment: { ...environment, POOL_TYPE: 'unknown' }, configFile, bindings });
    return { ...rest, warnings: isWarned ? [poolTypeWarning] : [] };
  }
}

const poolTypeMissing = 'config/pool-type/missing';

const poolTypeWarning =
  'POOL_TYPE is not set; the sidecar will not start without it.\nSet it with `cf set-env APP POOL_TYPE …` or under `env` in the manifest.';

/** The first web instance of this app, since staging knows the app but not an instance. */
function assumedInstance(environment: Environment): string {
  const identity = readPlatformIdentity(environment);
  const given = environment['VCAP_APPLICATION'];
  // An invalid one is kept, so that it is reported like any other problem.
  if (!identity.ok) return given ?? '';
  const { space = 'space', app = 'app' } = identity.value;
  return JSON.stringify({ space_name: space, application_name: app, process_type: 'web', instance_index: 0 });
}

/** Otherwise a typing mistake in a name would be ignored silently. */
function unknownVariableWarnings(environment: Environment): string[] {
  return unknownVariables(environment).map(({ name, nearest }) => {
    const remedy = nearest === undefined ? `Unset ${name}, or correct its name.` : `Did you mean ${nearest}?`;
    return `${name} is not a variable of the sidecar.\n${remedy}`;
  });
}

function sharedIdWarning(template: unknown, sidecarFor: readonly string[]): string[] {
  return typeof template === 'string' && sidecarFor.length > 1 && !template.includes('{process}')
    ? [`INSTANCE_ID has no {process}, so ${sidecarFor.join(' and ')} would claim the same ids.\nAdd {process} to it.`]
    : [];
}

function missingFileWarning({ environment, configFile }: StagingSources): string[] {
  const named = readVariable(environment, 'SIDECAR_CONFIG');
  return named === undefined || named.startsWith('/') || configFile !== undefined
    ? []
    : [
        `SIDECAR_CONFIG names ${named}, which is not in the app; the sidecar will not start without it.\nPush it with the app, or unset SIDECAR_CONFIG.`,
      ];
}

function shownAddress(config: SidecarConfig | undefined): string {
  if (!config) return '';
  const { address, tls } = config.busApiUrl;
  return `${address} ${tls ? 'over TLS' : 'without TLS'}`;
}
