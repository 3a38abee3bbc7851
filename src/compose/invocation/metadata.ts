import { type ComposeOption, composeOptions } from '../../contract/config/settings/compose-options.ts';
import type { ComposeCommand } from '../../contract/config/settings/setting.ts';

/** The answer to `compose metadata`: the options of each command. Compose reads it before every call. */
export function providerMetadata(): object {
  return {
    description: "Puts Meridian's sidecar beside a plugin, in the plugin's own network namespace",
    up: { parameters: parametersOf('up') },
    down: { parameters: parametersOf('down') },
    // Compose 5.1.4 and later calls `stop` only because this entry exists.
    stop: { parameters: parametersOf('stop') },
    // Compose 5.6 and later calls `pull` for a service with an `image` or a `build` only because this entry exists.
    pull: { parameters: parametersOf('pull') },
  };
}

/** The metadata that `docker` asks of each of its plugins. */
export function cliPluginMetadata(version: string): object {
  return {
    SchemaVersion: '0.1.0',
    Vendor: 'Meridian',
    Version: version,
    ShortDescription: "Puts Meridian's sidecar beside a plugin",
  };
}

function parametersOf(command: ComposeCommand): object[] {
  return Object.entries(composeOptions)
    .filter(([, option]) => option.commands.includes(command))
    .map(([name, option]) => parameterOf(name, option));
}

/** No option is required: the file that `config` names, which Compose does not read, may contain the pool type. */
function parameterOf(name: string, option: ComposeOption): object {
  return {
    name,
    description: option.meaning,
    required: false,
    type: option.type,
    ...(option.default !== undefined && { default: option.default }),
    ...(option.values && { enum: option.values.join(',') }),
  };
}
