import { type PrivateEngine, startEngine } from '../../engine/private-engine.ts';
import { installComposes } from './compose-programs.ts';
import { engineDir } from './engine-host.ts';
import { buildImages } from './images.ts';
import { installProviders } from './installed-provider.ts';

let engine: PrivateEngine | undefined;

/** Everything that the tests of this project share: two Composes, an engine, images in it, and the provider. */
export async function setup(): Promise<void> {
  installComposes();
  engine = await startEngine(engineDir);
  buildImages();
  installProviders();
}

export async function teardown(): Promise<void> {
  await engine?.stop();
}
