import { readFile } from 'node:fs/promises';
import { ErrorList, messageOf, UserFacingError } from '../../base/user-facing-error.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import type { NatsPlace } from '../store/jetstream/nats-connection.ts';

/** The options of a store on NATS. Each file is one that only the bus should be able to read. */
export interface NatsStoreSettings {
  readonly deployment: string;
  readonly storeReplicas: number;
  readonly storeCredentials?: string;
  readonly storeNkey?: string;
  readonly storeUser?: string;
  readonly storePasswordFile?: string;
  readonly storeTlsCa?: string;
  readonly storeTlsCertificate?: string;
  readonly storeTlsKey?: string;
}

export function isNatsStore(store: string): boolean {
  return /^(?:nats|tls):\/\//.test(store);
}

/**
 * Where the servers are, and what the bus shows them.
 * @throws ErrorList of `bus/store/nats-address` and `bus/store/nats-file`, all found in one pass
 */
export async function natsPlaceOf(store: string, settings: NatsStoreSettings): Promise<NatsPlace> {
  const errors: UserFacingError[] = [];
  const servers = serversOf(store, errors);
  const bytesOf = async (option: string, file: string | undefined): Promise<Uint8Array | undefined> => {
    if (file === undefined) return undefined;
    return readFile(file).catch((error: unknown) => void errors.push(unreadable(option, file, error)));
  };
  const textOf = async (option: string, file: string | undefined): Promise<string | undefined> => {
    const bytes = await bytesOf(option, file);
    return bytes && Buffer.from(bytes).toString();
  };
  const { storeUser, storePasswordFile, storeTlsCa, storeTlsCertificate, storeTlsKey } = settings;
  const credentials = await bytesOf('--store-credentials', settings.storeCredentials);
  const nkey = await textOf('--store-nkey', settings.storeNkey);
  const password = await textOf('--store-password-file', storePasswordFile);
  const ca = await textOf('--store-tls-ca', storeTlsCa);
  const cert = await textOf('--store-tls-certificate', storeTlsCertificate);
  const key = await textOf('--store-tls-key', storeTlsKey);
  if (errors.length > 0) throw new ErrorList(errors);
  const tls = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  return {
    servers,
    ...(credentials && { credentials }),
    // Without the line end that an editor adds.
    ...(nkey !== undefined && { nkey: Buffer.from(nkey.trimEnd()) }),
    ...(storeUser !== undefined && { user: storeUser }),
    ...(password !== undefined && { password: password.trimEnd() }),
    ...((store.startsWith('tls:') || Object.keys(tls).length > 0) && { tls }),
  };
}

/** An address with a password in it is not printed. */
function serversOf(store: string, errors: UserFacingError[]): string[] {
  const servers = store
    .replace(/^\w+:\/\//, '')
    .replace(/\/$/, '')
    .split(',');
  if (servers.every((server) => /^(?:[\w.-]+|\[[\da-fA-F:]+\])(?::\d{1,5})?$/.test(server))) return servers;
  errors.push(
    new UserFacingError({
      id: 'bus/store/nats-address',
      found: 'the address of NATS names servers that are not all HOST or HOST:PORT',
      expected: 'It is written nats://HOST[:PORT][,HOST[:PORT]…], or with tls:// for TLS.',
      next: ['Name only hosts and ports. A user goes into --store-user, a password into --store-password-file.'],
      exitCode: exitCodes.configuration,
    }),
  );
  return [];
}

function unreadable(option: string, file: string, error: unknown): UserFacingError {
  return new UserFacingError({
    id: 'bus/store/nats-file',
    found: `the file ${file} of ${option} cannot be read: ${messageOf(error)}`,
    next: ['Name a file that the user of the bus may read.'],
    exitCode: exitCodes.configuration,
  });
}
