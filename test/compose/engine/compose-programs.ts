import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildDir } from './build-dir.ts';

const moduleDir = path.resolve(import.meta.dirname, '..');
const goModule = readFileSync(path.join(moduleDir, 'go.mod'), 'utf8');

/** The Docker Composes that the tests drive: each is the only plugin in a Docker configuration folder of its own. */
export const composes = [
  { version: '2.40.3', configDir: path.join(buildDir, 'compose-2.40.3') },
  // The newest whose dependencies the Go module proxy serves, and which the Go of these machines can build.
  {
    version: /github\.com\/docker\/compose\/v5 v(\S+)/.exec(goModule)?.[1] ?? '',
    configDir: path.join(buildDir, 'compose-5'),
  },
] as const;

const [oldest, newest] = composes;
const pluginIn = (configDir: string): string => path.join(configDir, 'cli-plugins/docker-compose');

/** Fetches and builds the Composes, unless they are there. @throws Error when one has another version than it should. */
export function installComposes(): void {
  if (!existsSync(pluginIn(oldest.configDir)))
    execFileSync(path.join(import.meta.dirname, 'fetch-compose.sh'), [pluginIn(oldest.configDir)], {
      stdio: 'inherit',
    });
  buildNewest();
  for (const { version, configDir } of composes) {
    const said = execFileSync(pluginIn(configDir), ['version', '--short'], { encoding: 'utf8' }).trim();
    if (!said.replace(/^v/, '').startsWith(version)) throw new Error(`Docker Compose ${version} is ${said} here`);
  }
}

function buildNewest(): void {
  const stampFile = path.join(newest.configDir, 'built-from.txt');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === goModule) return;
  mkdirSync(newest.configDir, { recursive: true });
  const flags = `-s -w -X github.com/docker/compose/v5/internal.Version=v${newest.version}`;
  const args = ['build', '-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags', flags];
  execFileSync('go', [...args, '-o', pluginIn(newest.configDir), 'github.com/docker/compose/v5/cmd'], {
    cwd: moduleDir,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  writeFileSync(stampFile, goModule);
}
