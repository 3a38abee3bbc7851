import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, lchown, mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import { copyApp } from '../../src/local/droplet-files.ts';
import type { StagingResult } from '../../src/local/staging-result.ts';
import { vcap } from '../engine/stack-image.ts';
import { dockerLogged, variables } from './engine-client.ts';

const run = promisify(execFile);

/** A buildpack as the builder is given it: a directory with a name, or a zip that it downloads, whose key is its URL. */
export type GivenBuildpack = { readonly key: string; readonly dir: string } | { readonly zipFile: string };

export interface RealStaging {
  readonly workDir: string;
  readonly appDir: string;
  readonly buildpacks: readonly GivenBuildpack[];
  readonly env: Readonly<Record<string, string>>;
  /** More files and directories of this machine for the buildpacks, by their path in the container. */
  readonly mounts?: Readonly<Record<string, string>>;
}

export interface RealOutcome {
  readonly exitCode: number;
  /** All that the user reads of it. */
  readonly log: string;
  /** The builder writes one whenever it got as far as a buildpack's metadata, even for a staging that failed. */
  readonly result: StagingResult | undefined;
  /** Only of a staging that succeeded. */
  readonly dropletFile: string;
  readonly dropletDir: string;
}

/**
 * Stages with Cloud Foundry's own builder in a container of the stack, as the user and at the places of the platform, with
 * buildpacks that cannot be written to. Zips are served over HTTP on the loopback of the container, which has no other network.
 */
export async function stageWithBuilder(staging: RealStaging): Promise<RealOutcome> {
  const { stackImage, toolsDir } = inject('lifecycle');
  const at = (name: string): string => path.join(staging.workDir, name);
  await copyApp(staging.appDir, at('app'));
  await mkdir(at('out'));
  await chmod(staging.workDir, 0o755);
  for (const dir of ['app', 'out']) await giveToUser(at(dir));
  const keys = staging.buildpacks.map((each) =>
    'dir' in each ? each.key : `http://127.0.0.1:8000/${path.basename(each.zipFile)}`,
  );
  const mounts = {
    '/tmp/app': at('app'),
    '/tmp/out': at('out'),
    '/tmp/lifecycle': `${toolsDir}:ro`,
    ...Object.fromEntries(
      staging.buildpacks.map((each) =>
        'dir' in each
          ? [buildpackPlace(each.key), `${each.dir}:ro`]
          : [`/opt/zips/${path.basename(each.zipFile)}`, `${each.zipFile}:ro`],
      ),
    ),
    ...Object.fromEntries(Object.entries(staging.mounts ?? {}).map(([place, source]) => [place, `${source}:ro`])),
  };
  const exitCode = await dockerLogged(
    at('log'),
    ...['run', '--rm', '--network', 'none', '--user', vcap.name, '--memory', '1g', '--workdir', '/home/vcap'],
    ...Object.entries(mounts).flatMap(([place, source]) => ['--volume', mountOf(source, place)]),
    ...variables(staging.env),
    ...[
      stackImage,
      'bash',
      '-c',
      staging.buildpacks.some((each) => 'zipFile' in each) ? serveAndRun : 'exec "$@" 2>&1',
      'bash',
    ],
    ...['/tmp/lifecycle/builder', '-skipDetect=true', `-buildpackOrder=${keys.join(',')}`],
    ...[
      '-outputDroplet=/tmp/out/droplet.tgz',
      '-outputMetadata=/tmp/out/result.json',
      '-outputBuildArtifactsCache=/tmp/out/cache.tgz',
    ],
  );
  const result = await readFile(at('out/result.json'), 'utf8').catch(() => undefined);
  if (exitCode === 0) {
    await mkdir(at('droplet'));
    await run('tar', ['-xzpf', at('out/droplet.tgz'), '-C', at('droplet')]);
  }
  return {
    exitCode,
    log: await readFile(at('log'), 'utf8'),
    result: result === undefined ? undefined : (JSON.parse(result) as StagingResult),
    dropletFile: at('out/droplet.tgz'),
    dropletDir: at('droplet'),
  };
}

// Both streams are one in the container already: the engine brings two in any order.
const serveAndRun = `
  python3 -m http.server --directory /opt/zips --bind 127.0.0.1 8000 >/dev/null 2>&1 &
  until (exec 3<>/dev/tcp/127.0.0.1/8000) 2>/dev/null; do :; done
  exec "$@" 2>&1
`;

// The builder looks under the hash of the key: xxHash first, then the older MD5, which Node can make.
function buildpackPlace(key: string): string {
  return `/tmp/buildpacks/${createHash('md5').update(key).digest('hex')}`;
}

function mountOf(source: string, place: string): string {
  const [dir = '', mode] = source.split(':');
  return mode === undefined ? `${dir}:${place}` : `${dir}:${place}:${mode}`;
}

/** What the platform's user is to write to belongs to it. */
async function giveToUser(dir: string): Promise<void> {
  await lchown(dir, vcap.uid, vcap.uid);
  for (const name of await readdir(dir, { recursive: true })) await lchown(path.join(dir, name), vcap.uid, vcap.uid);
}
