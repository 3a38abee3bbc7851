import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildDir } from './build-dir.ts';

const moduleDir = path.resolve(import.meta.dirname, '..');
const goModule = readFileSync(path.join(moduleDir, 'go.mod'), 'utf8');

/** The Docker Composes that the tests drive: each is the only plugin in a Docker configuration folder of its own. `isNew` is version 5, which speaks more and plans otherwise. */
export const composes = [
  { version: '2.40.3', isNew: false, configDir: path.join(buildDir, 'compose-2') },
  // The newest. Two modules that the Go module proxy does not serve are replaced in go.mod; they are for Docker Desktop.
  {
    version: /github\.com\/docker\/compose\/v5 v(\S+)/.exec(goModule)?.[1] ?? '',
    isNew: true,
    configDir: path.join(buildDir, 'compose-5'),
  },
] as const;

const [oldest, newest] = composes;
const pluginIn = (configDir: string): string => path.join(configDir, 'cli-plugins/docker-compose');

/** Builds the Composes from their Go modules, unless they are there. @throws Error when one has another version than it should. */
export function installComposes(): void {
  build({ ...oldest, from: oldest.version, sources: ownSources });
  build({ ...newest, from: goModule, sources: () => moduleDir });
  for (const { version, configDir } of composes) {
    const said = execFileSync(pluginIn(configDir), ['version', '--short'], { encoding: 'utf8' }).trim();
    if (said.replace(/^v/, '') !== version) throw new Error(`Docker Compose ${version} is ${said} here`);
  }
}

interface Build {
  readonly version: string;
  readonly configDir: string;
  /** It is built again when this has changed. */
  readonly from: string;
  /** The folder whose go.mod pins what it is made of. */
  readonly sources: (module: string) => string;
}

function build({ version, configDir, from, sources }: Build): void {
  const stampFile = path.join(configDir, 'built-from.txt');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === from) return;
  mkdirSync(configDir, { recursive: true });
  const module = `github.com/docker/compose/v${version.split('.')[0]}`;
  const flags = `-s -w -X ${module}/internal.Version=v${version}`;
  const args = ['build', '-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags', flags];
  execFileSync('go', [...args, '-o', pluginIn(configDir), `${module}/cmd`], {
    cwd: sources(`${module}@v${version}`),
    // The toolchain that go.mod names, which Go gets as it gets modules.
    env: { ...process.env, GOTOOLCHAIN: 'auto' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  writeFileSync(stampFile, from);
}

/** Where Go keeps the module's sources, with the go.mod and go.sum of its authors. */
function ownSources(module: string): string {
  const downloaded = execFileSync('go', ['mod', 'download', '-json', module], {
    cwd: buildDir,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return (JSON.parse(downloaded) as { readonly Dir: string }).Dir;
}
