import { ErrorList } from '../base/user-facing-error.ts';
import { ownAddress } from '../contract/config/addresses.ts';
import { readOwnPorts } from '../contract/config/own-ports.ts';
import { openSettings } from '../contract/config/settings/open-settings.ts';
import { readSidecarConfigFile } from '../sidecar/lifecycle/launch-files.ts';

/** The addresses of this container's sidecar, as `host:port`. */
export interface OwnAddresses {
  readonly health: string;
  readonly status: string;
}

/**
 * The addresses of this container's sidecar for health and status. They come from the environment and configuration file that
 * it shares with its plugin.
 * @throws ErrorList when the settings cannot be used.
 */
export async function ownAddresses(environment: NodeJS.ProcessEnv): Promise<OwnAddresses> {
  const file = await readSidecarConfigFile(environment);
  const { reader } = openSettings({ environment, configFile: file });
  const { healthAddress, statusAddress } = readOwnPorts(reader, environment);
  if (reader.errors.length > 0) throw new ErrorList(reader.errors);
  return { health: ownAddress(healthAddress), status: ownAddress(statusAddress) };
}
