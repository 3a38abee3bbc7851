import path from 'node:path';
import { UserFacingError } from '../../base/user-facing-error.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { freePort } from './free-port.ts';

/** Who is who and who listens where, and the variables that say so. */
export interface DevPlaces {
  readonly instanceId: string;
  readonly poolType: string;
  readonly sidecarAddress: string;
  readonly healthAddress: string;
  /** Absent: the bus of the settings. */
  readonly busAddress: string | undefined;
  readonly sidecar: Readonly<Record<string, string>>;
  readonly plugin: Readonly<Record<string, string>>;
}

const defaultAddress = '127.0.0.1:9191';
const defaultBusPort = 8443;
const defaultPoolType = 'SignalPool';

/** Fills in what the environment leaves open, so that nothing has to be set for a trial. @throws UserFacingError `run/port/…` */
export async function devPlaces(environment: Readonly<Record<string, string>>, withBus: boolean): Promise<DevPlaces> {
  const instanceId = environment['INSTANCE_ID'] || `${folderName()}-0`;
  const poolType = environment['POOL_TYPE'] || defaultPoolType;
  const sidecarAddress = await withPort('SIDECAR_ADDR', environment['SIDECAR_ADDR'] || defaultAddress);
  const healthAddress = await withPort('SIDECAR_HEALTH_ADDR', environment['SIDECAR_HEALTH_ADDR'] || '127.0.0.1:0');
  const busAddress = withBus ? `127.0.0.1:${(await freePort(defaultBusPort)) ?? (await freePort(0))}` : undefined;
  const shared = { INSTANCE_ID: instanceId, POOL_TYPE: poolType };
  return {
    instanceId,
    poolType,
    sidecarAddress,
    healthAddress: healthAddress.startsWith(':') ? `127.0.0.1${healthAddress}` : healthAddress,
    busAddress,
    sidecar: {
      ...shared,
      SIDECAR_ADDR: sidecarAddress,
      SIDECAR_HEALTH_ADDR: healthAddress,
      ...(busAddress !== undefined && { SIDECAR_BUS_API_URL: busAddress }),
    },
    plugin: { ...shared, SIDECAR_ADDR: sidecarAddress, MERIDIAN_SIDECAR_ADDRESS: sidecarAddress },
  };
}

/** The address with a real port for port 0. @throws UserFacingError if a port of 127.0.0.1 is taken */
async function withPort(variable: string, address: string): Promise<string> {
  const [, host = '', port = ''] = /^(.*):(\d{1,5})$/.exec(address) ?? [];
  // What cannot be read is left to the sidecar, which says what it expects.
  if (port === '' || Number(port) > 65_535 || (host !== '127.0.0.1' && host !== 'localhost')) return address;
  const free = await freePort(Number(port));
  if (free !== undefined) return `${host}:${free}`;
  throw new UserFacingError({
    id: 'run/port/taken',
    found: `another program listens on ${address} already`,
    next: [`Stop it, or set ${variable} to another port of 127.0.0.1; port 0 takes a free one.`],
    exitCode: exitCodes.pluginPort,
  });
}

/** What the folder's name has that an instance id may have. */
function folderName(): string {
  const name = path.basename(process.cwd()).replaceAll(/[^\w-]+/g, '-');
  return /^-*$/.test(name) ? 'plugin' : name.slice(0, 60);
}
