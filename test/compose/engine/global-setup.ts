import { installComposes } from './compose-programs.ts';
import { buildImages } from './images.ts';
import { installProviders } from './installed-provider.ts';
import { startEngine, stopEngine } from './private-engine.ts';

/** Everything that the tests of this project share: two Composes, an engine, and images in it. */
export async function setup(): Promise<void> {
  installComposes();
  await startEngine();
  buildImages();
  installProviders();
}

export async function teardown(): Promise<void> {
  await stopEngine();
}
