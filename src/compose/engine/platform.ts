import { UserFacingError } from '../../base/user-facing-error.ts';
import type { Docker } from './docker.ts';

export interface PlatformRequest {
  readonly docker: Docker;
  readonly image: string;
  /** Both as `os/architecture`, in the engine's own spelling. */
  readonly ofImage: string;
  readonly ofEngine: string;
  /** The value of DOCKER_DEFAULT_PLATFORM, which the engine's client adds to every creation; absent: not set. */
  readonly wanted?: string | undefined;
}

/**
 * Refuses an image that the engine could not create or start. An image for another processor is tried first, since many engines
 * emulate it.
 * @throws UserFacingError `compose/image/platform`.
 */
export async function checkPlatform({ docker, image, ofImage, ofEngine, wanted }: PlatformRequest): Promise<void> {
  const [own, engine] = [normalized(ofImage), normalized(ofEngine)];
  if (wanted && normalized(wanted) !== own) {
    throw otherPlatform(
      image,
      own,
      `DOCKER_DEFAULT_PLATFORM asks for ${wanted}`,
      'Unset DOCKER_DEFAULT_PLATFORM for this project',
    );
  }
  if (own === engine) return;
  const tried = await docker.call(['run', '--rm', '--network', 'none', '--entrypoint', 'sleep', image, '0']);
  if (tried.exitCode !== 0) {
    throw otherPlatform(image, own, `the engine runs ${engine} and does not emulate it`, 'Use another engine');
  }
}

const synonyms: Readonly<Record<string, string>> = { x86_64: 'amd64', 'x86-64': 'amd64', aarch64: 'arm64' };

/** A variant, as in `linux/arm64/v8`, is ignored; without a slash the text is the architecture. */
function normalized(platform: string): string {
  const parts = platform.toLowerCase().split('/');
  const [os = '', architecture = ''] = parts.length === 1 ? ['linux', ...parts] : parts;
  return `${os}/${synonyms[architecture] ?? architecture}`;
}

function otherPlatform(image: string, own: string, found: string, remedy: string): UserFacingError {
  return new UserFacingError({
    id: 'compose/image/platform',
    found: `the image ${image} is for ${own}, and ${found}`,
    expected: 'Its containers could not be created or started.',
    next: [
      `${remedy}, or remove the image (\`docker image rm ${image}\`) so that it is built anew, or name another with \`image\`.`,
    ],
  });
}
