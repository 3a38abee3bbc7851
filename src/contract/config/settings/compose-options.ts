import { settings } from '../settings.ts';
import { type ComposeCommand, defaultText, type Setting, settingsIn } from './setting.ts';

/** One entry of `provider.options` in a Compose file. */
export interface ComposeOption {
  readonly meaning: string;
  /** The sidecar's variable that the option sets. Absent: the option is for the provider itself. */
  readonly variable?: string;
  readonly type: 'string' | 'integer' | 'boolean';
  readonly default?: string;
  readonly values?: readonly string[];
  /** May be a list. */
  readonly repeats?: true;
  /** The option is a file of Compose's machine, which the container sees under this path. */
  readonly mountedAt?: string;
  readonly commands: readonly ComposeCommand[];
}

/** Every option of the provider, by name. */
export const composeOptions: Readonly<Record<string, ComposeOption>> = Object.fromEntries(
  settingsIn(settings).flatMap((setting) =>
    setting.option === undefined ? [] : [[setting.option.name, optionOf(setting, setting.option)] as const],
  ),
);

function optionOf(setting: Setting, option: NonNullable<Setting['option']>): ComposeOption {
  const { composeType = 'string', schema } = setting.parse;
  const preset = option.default ?? (setting.isRequired ? '' : defaultText(setting));
  return {
    meaning: option.meaning ?? setting.meaning,
    ...(setting.variable !== undefined && { variable: setting.variable }),
    type: composeType,
    ...(preset !== '' && { default: preset }),
    ...(composeType === 'string' && schema?.enum && { values: schema.enum.map(String) }),
    ...(option.repeats && { repeats: option.repeats }),
    ...(option.mountedAt !== undefined && { mountedAt: option.mountedAt }),
    commands: option.commands ?? ['up'],
  };
}
