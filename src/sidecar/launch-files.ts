import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { UserFacingError } from '../base/user-facing-error.ts';
import type { BusConnectionConfig } from '../contract/config/bus-connection.ts';
import type { ConfigFile } from '../contract/config/config-file.ts';
import { exitCodes } from '../contract/config/exit-codes.ts';
import type { TlsFiles } from '../transport/rpc.ts';

/**
 * Reads the file that SIDECAR_CONFIG names, relative to the app's root; undefined when none is named.
 * @throws UserFacingError when it cannot be read.
 */
export async function readSidecarConfigFile(environment: NodeJS.ProcessEnv): Promise<ConfigFile | undefined> {
  const named = environment.SIDECAR_CONFIG;
  if (!named) return undefined;
  // The launcher sets HOME to the app's root: https://docs.cloudfoundry.org/devguide/deploy-apps/environment-variable.html#HOME
  const file = path.resolve(environment.HOME ?? '.', named);
  try {
    return { path: file, text: await readFile(file, 'utf8') };
  } catch (error) {
    throw new UserFacingError({
      id: 'config/sidecar-config/unreadable',
      found: `SIDECAR_CONFIG names ${file}, which cannot be read`,
      next: ['Name an existing YAML file, relative to the root of the app, or unset SIDECAR_CONFIG.'],
      exitCode: exitCodes.configuration,
      cause: error,
    });
  }
}

/** Reads the credential for the bus from its files. @throws the system's error when one cannot be read. */
export async function readCredential(
  config: BusConnectionConfig,
): Promise<{ readonly tls?: TlsFiles; readonly token?: string }> {
  const { caFile, certificateFile, keyFile } = config.tls;
  const [ca, certificate, key, tokenText] = await Promise.all(
    [caFile, certificateFile, keyFile, config.busTokenFile].map(async (file) => file && (await readFile(file, 'utf8'))),
  );
  const token = config.busToken?.reveal() ?? tokenText?.trim();
  return {
    ...(config.busApiUrl.tls && {
      tls: {
        ...(ca !== undefined && { ca }),
        ...(certificate !== undefined && { certificate }),
        ...(key !== undefined && { key }),
      },
    }),
    ...(token !== undefined && { token }),
  };
}
