import path from 'node:path';
import { readTextFile, UnfitFileError } from '../../base/files/read-text-file.ts';
import { messageOf, UserFacingError } from '../../base/user-facing-error.ts';
import type { BusConnectionConfig } from '../../contract/config/bus/bus-connection.ts';
import type { CredentialSource } from '../../contract/config/bus/secret.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import type { ConfigFile } from '../../contract/config/settings/config-file.ts';
import type { Credential } from '../bus-link/bus-credential.ts';

/**
 * Reads the file that SIDECAR_CONFIG names, relative to the app's root; undefined when the variable is unset.
 * @throws UserFacingError when the file cannot be read.
 */
export async function readSidecarConfigFile(environment: NodeJS.ProcessEnv): Promise<ConfigFile | undefined> {
  const named = environment.SIDECAR_CONFIG;
  if (!named) return undefined;
  // The launcher sets HOME to the app's root: https://docs.cloudfoundry.org/devguide/deploy-apps/environment-variable.html#HOME
  const root = environment.HOME ?? '.';
  const file = path.resolve(root, named);
  try {
    // The app chooses a relative name, so it must stay in the app. An absolute one is the choice of the person who sets the
    // variable.
    return { path: file, text: await readTextFile(file, path.isAbsolute(named) ? {} : { within: root }) };
  } catch (error) {
    throw new UserFacingError({
      id: 'config/sidecar-config/unreadable',
      found: `SIDECAR_CONFIG names ${file}, which cannot be read: ${reasonOf(error)}`,
      next: ['Name an existing YAML file, relative to the root of the app, or unset SIDECAR_CONFIG.'],
      exitCode: exitCodes.configuration,
      cause: error,
    });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof UnfitFileError ? error.reason : messageOf(error);
}

/** Reads the credential for the bus from the configured place. @throws the system's error when a file cannot be read. */
export async function readCredential({ busApiUrl, tls, busToken }: BusConnectionConfig): Promise<Credential> {
  const [ca, certificate, key, token] = await Promise.all([tls.ca, tls.certificate, tls.key, busToken].map(textOf));
  return {
    ...(busApiUrl.tls && {
      tls: {
        ...(ca !== undefined && { ca }),
        ...(certificate !== undefined && { certificate }),
        ...(key !== undefined && { key }),
      },
    }),
    ...(token !== undefined && { token: token.trim() }),
    certificateOrigin: tls.certificateOrigin,
  };
}

async function textOf(source: CredentialSource | undefined): Promise<string | undefined> {
  if (source === undefined) return undefined;
  return 'file' in source ? await readTextFile(source.file) : source.text.reveal();
}
