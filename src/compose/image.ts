import { UserFacingError } from '../base/user-facing-error.ts';
import { version } from '../base/version.ts';
import type { Docker } from './docker.ts';

/** The image that a service gets when it names none. */
export const defaultImage = `meridian-sidecar:${version}`;

export interface ImageRequest {
  readonly docker: Docker;
  readonly image: string;
  /** The image that ours is built on; absent: the Dockerfile's own. Only for building. */
  readonly base?: string;
  /** The folder with the bundles and `image/`, which is the context of a build. */
  readonly contextDir: string;
  /** Hears what takes time, one short line each. */
  readonly report: (text: string) => void;
}

/**
 * Sees to it that the engine has the image: it is there already, or our default image is built, or another one is pulled.
 * @returns the image's id, `sha256:…`.
 * @throws UserFacingError `compose/image/*`.
 */
export async function ensureImage({ docker, image }: ImageRequest): Promise<string> {
  const found = await docker.call(['image', 'inspect', '--format', '{{.Id}}', image]);
  if (found.exitCode === 0) return found.stdout.trim();
  throw new UserFacingError({
    id: 'compose/image/missing',
    found: `the engine has no image ${image}`,
    next: ['Build it with `meridian-sidecar compose image`, or name another with the option `image`.'],
  });
}
