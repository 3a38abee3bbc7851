import { FaultList } from '../base/user-facing-error.ts';
import { type ListenAddress, listenAddress, ownAddress } from '../contract/config/addresses.ts';
import { readConfigFile } from '../contract/config/config-file.ts';
import { readVariable } from '../contract/config/environment.ts';
import { SettingReader } from '../contract/config/setting-reader.ts';
import { sidecarConfigKeys } from '../contract/config/sidecar-config.ts';
import { readSidecarConfigFile } from '../sidecar/launch-files.ts';

/**
 * Where the sidecar of this container serves its health, as `host:port`, by the environment and configuration file that it
 * shares with its plugin.
 * @throws FaultList when SIDECAR_HEALTH_ADDR cannot be used.
 */
export async function ownHealthAddress(environment: NodeJS.ProcessEnv): Promise<string> {
  const file = await readSidecarConfigFile(environment);
  const values = file ? readConfigFile(file, sidecarConfigKeys).values : new Map();
  const reader = new SettingReader(environment, file?.path ?? '', values);
  const name = { variable: 'SIDECAR_HEALTH_ADDR', key: 'health_addr' } as const;
  const fallback: ListenAddress = { host: undefined, port: 9192 };
  const address = reader.read(name, listenAddress(readVariable(environment, 'PORT')), fallback);
  if (reader.faults.length > 0) throw new FaultList(reader.faults);
  return ownAddress(address);
}
