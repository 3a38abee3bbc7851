import path from 'node:path';
import { UserFacingError } from '../../base/user-facing-error.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { isFree } from './is-free.ts';

/** Who is who, and where bus and sidecar are to listen. With port 0 they choose one, and say which. */
export interface DevPlaces {
  readonly identity: { readonly INSTANCE_ID: string; readonly POOL_TYPE: string };
  readonly sidecarAddress: string;
  readonly healthAddress: string;
  /** To be tried in this order. */
  readonly busAddresses: readonly string[];
}

const defaultAddress = '127.0.0.1:9191';
/** Where the commands for a shell look for a bus. */
const defaultBusPort = 8443;
const anyPort = '127.0.0.1:0';
const defaultPoolType = 'SignalPool';

/** Fills in what the environment leaves open, so that nothing has to be set for a trial. @throws UserFacingError `run/port/taken` */
export async function devPlaces(environment: Readonly<Record<string, string>>): Promise<DevPlaces> {
  const sidecarAddress = environment['SIDECAR_ADDR'] || defaultAddress;
  await checkFree('SIDECAR_ADDR', sidecarAddress);
  const healthAddress = environment['SIDECAR_HEALTH_ADDR'] || anyPort;
  await checkFree('SIDECAR_HEALTH_ADDR', healthAddress);
  return {
    identity: {
      INSTANCE_ID: environment['INSTANCE_ID'] || `${folderName()}-0`,
      POOL_TYPE: environment['POOL_TYPE'] || defaultPoolType,
    },
    sidecarAddress,
    healthAddress,
    busAddresses: (await isFree(defaultBusPort)) ? [`127.0.0.1:${defaultBusPort}`, anyPort] : [anyPort],
  };
}

/** @throws UserFacingError if a port of 127.0.0.1 is taken. What cannot be read is left to the sidecar, which says what it expects. */
async function checkFree(variable: string, address: string): Promise<void> {
  const [, port = '0'] = /^(?:127\.0\.0\.1|localhost):(\d{1,5})$/.exec(address) ?? [];
  if (Number(port) === 0 || Number(port) > 65_535 || (await isFree(Number(port)))) return;
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
