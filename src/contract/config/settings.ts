import { loopbackAddress } from './addresses.ts';
import { busSettings } from './settings/bus-settings.ts';
import { portSettings } from './settings/port-settings.ts';
import { providerSettings } from './settings/provider-settings.ts';
import { type Setting, type SettingGroup, setting, settingsIn } from './settings/setting.ts';
import { text } from './settings/setting-value.ts';
import { sidecarSettings } from './settings/sidecar-settings.ts';
import { stagingSettings } from './settings/staging-settings.ts';

/**
 * Every setting of Meridian's programs, once. The configuration's type, the keys of the SIDECAR_CONFIG file, the options of the Compose
 * provider, doctor's table, the docs' tables and the JSON Schema are made from it.
 */
export const settings = {
  sidecar: sidecarSettings,
  ports: portSettings,
  bus: busSettings,
  /** The settings that lead to further settings. */
  launch: {
    configFile: setting({
      variable: 'SIDECAR_CONFIG',
      option: {
        name: 'config',
        meaning: 'Absolute path of a YAML file with further settings',
        mountedAt: '/etc/meridian/sidecar.yml',
      },
      meaning: 'Path of a YAML file, relative to the root of the app',
      example: 'sidecar.yml',
      parse: text,
    }),
    publishedSdkAddress: setting({
      variable: 'MERIDIAN_SIDECAR_ADDRESS',
      meaning: 'The same address under the name that the published Python SDK reads',
      default: '127.0.0.1:9191',
      example: '127.0.0.1:9191',
      readBy: ['plugin'],
      parse: loopbackAddress,
    }),
  },
  staging: stagingSettings,
  provider: providerSettings,
} as const satisfies SettingGroup;

/** The dotted keys of a SIDECAR_CONFIG file. */
export const sidecarConfigKeys: readonly string[] = settingsIn(settings).flatMap(({ key }) => key ?? []);

/** Every setting that is an environment variable, by its name. */
export const variableSettings: ReadonlyMap<string, Setting> = new Map(
  settingsIn(settings).flatMap((each) => (each.variable === undefined ? [] : [[each.variable, each] as const])),
);
