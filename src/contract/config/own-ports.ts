import { type ListenAddress, listenAddress } from './addresses.ts';
import { type Environment, readVariable } from './environment.ts';
import { defaultHealthPort, portSettings } from './settings/port-settings.ts';
import type { SettingName, SettingReader } from './settings/setting-reader.ts';
import { accepted, type Parsed, rejected } from './settings/setting-value.ts';

/** The sidecar's listening addresses. */
export interface OwnPorts {
  /** `host:port` on loopback. */
  readonly pluginAddress: string;
  /** For the platform's probes. */
  readonly healthAddress: ListenAddress;
  /** For status and metrics: equal to the health address, unless that is public. */
  readonly statusAddress: ListenAddress;
}

export function readOwnPorts(reader: SettingReader, environment: Environment): OwnPorts {
  const platformPort = readVariable(environment, 'PORT');
  // A route leads to the platform's port, however the port is written.
  const isPublic = ({ port }: ListenAddress): boolean => `${port}` === platformPort;
  const pluginAddress = reader.read(portSettings.pluginAddress);
  const pluginPort = Number(pluginAddress.slice(pluginAddress.lastIndexOf(':') + 1));
  const notThePlugins: Condition = {
    isMet: ({ port }) => port !== pluginPort || port === 0,
    expected: `on another port than the plugin's, ${pluginPort}`,
  };
  const read = addressReader(reader, platformPort);
  const healthAddress = read(portSettings.healthAddress, [notThePlugins], { host: undefined, port: defaultHealthPort });
  const notPublic: Condition = {
    isMet: (address) => !isPublic(address),
    expected: `on another port than PORT, ${platformPort}, which may be public`,
  };
  const notBeside: Condition = {
    isMet: (address) => address.port !== healthAddress.port || isSameAddress(address, healthAddress),
    expected: `on another port than the health server's, ${healthAddress.port}, or the very same address`,
  };
  const isShared = reader.raw(portSettings.statusAddress) === undefined && !isPublic(healthAddress);
  const statusAddress = read(
    portSettings.statusAddress,
    isShared ? [] : [notThePlugins, notPublic, notBeside],
    isPublic(healthAddress) ? { host: '127.0.0.1', port: defaultHealthPort } : healthAddress,
  );
  return { pluginAddress, healthAddress, statusAddress };
}

export function isSameAddress(one: ListenAddress, other: ListenAddress): boolean {
  return one.host === other.host && one.port === other.port;
}

interface Condition {
  isMet(address: ListenAddress): boolean;
  /** Completes "It must be". */
  readonly expected: string;
}

/** Checks a default by the same conditions as a written value. */
function addressReader(reader: SettingReader, platformPort: string | undefined) {
  const parse = listenAddress(platformPort);
  return (name: SettingName, conditions: readonly Condition[], fallback: ListenAddress): ListenAddress => {
    const raw = reader.raw(name);
    const parsed = raw === undefined ? accepted(fallback) : parse(raw);
    return reader.check(name, raw, parsed.ok ? meets(parsed.value, conditions) : parsed, fallback);
  };
}

function meets(address: ListenAddress, conditions: readonly Condition[]): Parsed<ListenAddress> {
  const unmet = conditions.find((condition) => !condition.isMet(address));
  return unmet ? rejected('taken', unmet.expected) : accepted(address);
}
