import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { buildDir, root } from './build-dir.ts';
import { composes } from './compose-programs.ts';

/** Where the provider is as a command on the PATH. */
const binDir = path.join(buildDir, 'bin');

/** Installs the provider of dist/ as a user does, for each Compose. */
export function installProviders(): void {
  for (const { configDir } of composes) {
    const env = { ...process.env, DOCKER_CONFIG: configDir };
    const command = [path.join(root, 'dist/cli.mjs'), 'compose', 'install', '--bin', binDir];
    execFileSync(process.execPath, command, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  }
}
