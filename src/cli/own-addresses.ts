import { FaultList } from '../base/user-facing-error.ts';
import { ownAddress } from '../contract/config/addresses.ts';
import { readConfigFile } from '../contract/config/config-file.ts';
import { readOwnPorts } from '../contract/config/own-ports.ts';
import { SettingReader } from '../contract/config/setting-reader.ts';
import { sidecarConfigKeys } from '../contract/config/sidecar-config.ts';
import { readSidecarConfigFile } from '../sidecar/launch-files.ts';

/** Where a command reaches the sidecar of its container, as `host:port`. */
export interface OwnAddresses {
  readonly health: string;
  readonly status: string;
}

/**
 * Where the sidecar of this container serves its health and its status, by the environment and configuration file that it
 * shares with its plugin.
 * @throws FaultList when they cannot be used.
 */
export async function ownAddresses(environment: NodeJS.ProcessEnv): Promise<OwnAddresses> {
  const file = await readSidecarConfigFile(environment);
  const values = file ? readConfigFile(file, sidecarConfigKeys).values : new Map();
  const reader = new SettingReader(environment, file?.path ?? '', values);
  const { healthAddress, statusAddress } = readOwnPorts(reader, environment);
  if (reader.faults.length > 0) throw new FaultList(reader.faults);
  return { health: ownAddress(healthAddress), status: ownAddress(statusAddress) };
}
