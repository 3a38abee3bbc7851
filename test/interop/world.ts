import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setup as makePython } from '../python/virtual-environment.ts';
import { buildDir, goPeerFile, javaClassesDir, javaLibraryDir } from './tools.ts';

const here = import.meta.dirname;
const javaDir = path.join(here, 'peers/java');

/** Makes what the peers are, each unless it was made from the same sources. @throws Error naming the tool that is missing. */
export function setup(): void {
  mkdirSync(buildDir, { recursive: true });
  installPackages();
  makeFrom('go', filesIn(here, /^go\.(?:mod|sum)$/).concat(filesIn(path.join(here, 'peers/go'))), buildGo);
  makeFrom('java', filesIn(javaDir), buildJava);
  makePython();
}

/** Runs `make` unless it succeeded for these files before. */
function makeFrom(name: string, files: readonly string[], make: () => void): void {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  const stamp = hash.digest('hex');
  const stampFile = path.join(buildDir, `${name}-made-from.txt`);
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  process.stdout.write(`interop: building what is in ${name} …\n`);
  make();
  writeFileSync(stampFile, stamp);
}

function filesIn(dir: string, pattern = /./): string[] {
  return readdirSync(dir)
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => path.join(dir, name));
}

/** h2load and nghttp; curl; a JDK and Maven, and the shells that complete commands, where a machine has none. */
function installPackages(): void {
  const needed = [
    ['h2load', 'nghttp2-client'],
    ['curl', 'curl'],
    ['javac', 'default-jdk-headless'],
    ['mvn', 'maven'],
    ['zsh', 'zsh'],
    ['fish', 'fish'],
  ] as const;
  const missing = needed.filter(([program]) => !runs(program)).map(([, name]) => name);
  if (missing.length === 0) return;
  process.stdout.write(`interop: installing ${missing.join(', ')} …\n`);
  run('apt-get', ['update', '-qq']);
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing]);
}

function runs(program: string): boolean {
  try {
    execFileSync('sh', ['-c', 'command -v "$0"', program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function buildGo(): void {
  const flags = ['-mod=readonly', '-trimpath', '-buildvcs=false'];
  const env = { ...process.env, CGO_ENABLED: '0' };
  run('go', ['build', ...flags, '-o', `${path.join(buildDir, 'tools')}${path.sep}`, 'tool'], env);
  run('go', ['build', ...flags, '-o', goPeerFile, './peers/go'], env);
}

function buildJava(): void {
  rmSync(path.dirname(javaClassesDir), { recursive: true, force: true });
  mkdirSync(javaClassesDir, { recursive: true });
  const pom = path.join(javaDir, 'pom.xml');
  run('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${javaLibraryDir}`]);
  const sources = filesIn(javaDir, /\.java$/);
  run('javac', ['-cp', path.join(javaLibraryDir, '*'), '-d', javaClassesDir, ...sources]);
}

function run(file: string, args: readonly string[], env = process.env): void {
  try {
    execFileSync(file, args, { cwd: here, env, stdio: ['ignore', 'inherit', 'inherit'] });
  } catch (cause) {
    throw new Error(`these tests need what \`${file} ${args.slice(0, 3).join(' ')} …\` makes, and it failed`, {
      cause,
    });
  }
}
