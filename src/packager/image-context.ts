import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

export interface ImageContextOptions {
  /** Root of the checkout, with the bundles in dist/. */
  readonly root: string;
  readonly notices: string;
}

/** Adds everything to dist/ that `docker build dist` needs beside the bundles: Dockerfile, scripts and licenses. */
export async function writeImageContext({ root, notices }: ImageContextOptions): Promise<void> {
  const dist = path.join(root, 'dist');
  const source = path.join(root, 'src/compose/image');
  await mkdir(dist, { recursive: true });
  await cp(path.join(source, 'Dockerfile'), path.join(dist, 'Dockerfile'));
  // The source's name has no dot: with one, the file would affect a build of the whole checkout.
  await cp(path.join(source, 'dockerignore'), path.join(dist, '.dockerignore'));
  for (const part of ['meridian-sidecar', 'healthcheck', 'state'])
    await cp(path.join(source, part), path.join(dist, 'image', part), { recursive: true });
  await cp(path.join(root, 'LICENSE'), path.join(dist, 'image/LICENSE'));
  await writeFile(path.join(dist, 'image/third-party-notices.txt'), notices);
}
