import { identifyEngine } from '../engine/engine.ts';
import { ensureImage, pullImage } from '../image/image.ts';
import type { Invocation } from '../invocation/invocation.ts';
import { type Provider, report } from '../provider.ts';

/**
 * `compose pull`, which Compose calls for a service that names an `image` or a `build`, also before `up`. The engine that runs the sidecar is the one that
 * Compose builds with, so an image that was built is there already.
 * @throws UserFacingError `compose/image/*`
 */
export async function pull(provider: Provider, { pull: request }: Invocation): Promise<void> {
  if (request === undefined) return;
  const { image, isLocal, isAlways } = request;
  const { docker, contextDir, wantedPlatform } = provider;
  const say = (text: string): void => report(provider, text);
  if (isAlways && !isLocal) await pullImage({ docker, image, report: say });
  const { platform: enginePlatform } = await identifyEngine(docker);
  await ensureImage({ docker, image, contextDir, enginePlatform, wantedPlatform, report: say });
}
