import type { UserFacingError } from '../../../base/user-facing-error.ts';
import type { Environment } from '../environment.ts';
import { sidecarConfigKeys } from '../settings.ts';
import { type ConfigFile, readConfigFile } from './config-file.ts';
import type { SettingContext } from './setting.ts';
import { SettingReader } from './setting-reader.ts';

export interface OpenedSources {
  readonly environment: Environment;
  /** The content of the file that SIDECAR_CONFIG names. Undefined: none is named. */
  readonly configFile: ConfigFile | undefined;
  readonly context?: Partial<SettingContext>;
}

/** A reader of the environment and the configuration file, and the errors in that file's form. */
export function openSettings({ environment, configFile, context }: OpenedSources): {
  readonly reader: SettingReader;
  readonly fileErrors: readonly UserFacingError[];
} {
  const file = configFile && readConfigFile(configFile, sidecarConfigKeys);
  const reader = new SettingReader({
    environment,
    ...(configFile && { filePath: configFile.path }),
    ...(file && { fileValues: file.values }),
    ...(context && { context }),
  });
  return { reader, fileErrors: file?.errors ?? [] };
}
