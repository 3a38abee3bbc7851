import path from 'node:path';
import { parse } from 'yaml';
import { messageOf } from '../base/user-facing-error.ts';
import { type AppManifest, parseAppManifest } from './app-manifest.ts';
import * as files from './droplet-files.ts';
import { type Environment, stagingEnvironment } from './platform-environment.ts';
import { type LaunchProcess, mergeProcesses, parseLaunchYml, parseProcfile, parseRelease } from './process-list.ts';
import { runScript, type ScriptOutput } from './run-script.ts';
import * as failure from './staging-failure.ts';
import { type StagedBuildpack, type StagingLayout, stagingLayout } from './staging-layout.ts';
import { type BuildpackMetadata, type StagingResult, stagingResult } from './staging-result.ts';

export interface StageOptions {
  readonly appDir: string;
  /** Receives `droplet/`, `result.json` and `cache/`, which later stagings use again. */
  readonly outDir: string;
  /** Directories of buildpacks in order, the final one last. */
  readonly buildpackDirs: readonly string[];
  /** Overrides the `env` of the app's manifest.yml. */
  readonly env: Environment;
  readonly output: ScriptOutput;
}

interface Staging {
  readonly layout: StagingLayout;
  readonly env: Environment;
  readonly output: ScriptOutput;
}

/**
 * Stages an app as Cloud Foundry's builder does with named buildpacks: same order, arguments, layout and result.json. It does
 * not change the app. A failed staging leaves no droplet.
 * @throws UserFacingError with the builder's own exit codes, 64 for arguments that cannot be used.
 */
export async function stage(options: StageOptions): Promise<StagingResult> {
  const appDir = path.resolve(options.appDir);
  const outDir = path.resolve(options.outDir);
  const manifest = await checkedManifest(appDir, outDir);
  const buildpackDirs = await checkedBuildpacks(options.buildpackDirs, manifest);
  const workDir = await files.makeWorkDir(outDir);
  try {
    await files.removeTree(path.join(outDir, 'droplet'));
    await files.removeTree(path.join(outDir, 'result.json'));
    const layout = stagingLayout({ workDir, cacheRoot: path.join(outDir, 'cache'), buildpackDirs });
    const env = stagingEnvironment({ manifest, homeDir: layout.homeDir, env: options.env });
    await prepare(layout, appDir);
    const result = await build({ layout, env, output: options.output });
    await files.move(layout.buildDir, path.join(layout.contentsDir, 'app'));
    await files.move(layout.contentsDir, path.join(outDir, 'droplet'));
    await files.writeText(path.join(outDir, 'result.json'), `${JSON.stringify(result, undefined, 2)}\n`);
    return result;
  } finally {
    await files.removeTree(workDir);
  }
}

async function checkedManifest(appDir: string, outDir: string): Promise<AppManifest> {
  if (!(await files.isReadableDirectory(appDir))) throw failure.notAnApp(appDir);
  if (outDir === appDir || outDir.startsWith(`${appDir}${path.sep}`)) throw failure.outInsideApp(outDir);
  return parseAppManifest(
    await files.readTextIfPresent(path.join(appDir, 'manifest.yml'), appDir),
    path.basename(appDir),
  );
}

async function checkedBuildpacks(given: readonly string[], manifest: AppManifest): Promise<string[]> {
  if (given.length === 0) throw failure.noBuildpacks(manifest.buildpacks);
  const dirs = await Promise.all(given.map((dir) => buildpackRoot(path.resolve(dir))));
  for (const dir of dirs.slice(0, -1)) {
    if (!(await hasScript(dir, 'supply'))) throw failure.notSupplying(dir);
  }
  return dirs;
}

/** A zip may wrap the buildpack in one top folder. */
async function buildpackRoot(dir: string): Promise<string> {
  if (await files.isDirectory(path.join(dir, 'bin'))) return dir;
  const [only, ...others] = (await files.isReadableDirectory(dir)) ? await files.namesIn(dir) : [];
  if (only !== undefined && others.length === 0 && (await files.isDirectory(path.join(dir, only, 'bin')))) {
    return path.join(dir, only);
  }
  throw failure.notABuildpack(dir);
}

async function prepare(layout: StagingLayout, appDir: string): Promise<void> {
  const caches = layout.buildpacks.map(({ cacheDir }) => cacheDir);
  await files.makeDirs([
    layout.homeDir,
    layout.profileDir,
    ...layout.buildpacks.map(({ depsIdx }) => path.join(layout.depsDir, depsIdx)),
    ...['tmp', 'logs'].map((name) => path.join(layout.contentsDir, name)),
    ...caches,
  ]);
  for (const name of await files.namesIn(layout.cacheRoot)) {
    const cache = path.join(layout.cacheRoot, name);
    if (!caches.includes(cache)) await files.removeTree(cache);
  }
  await files.copyApp(appDir, layout.buildDir);
}

async function build(staging: Staging): Promise<StagingResult> {
  const { layout } = staging;
  const final = layout.buildpacks.at(-1);
  if (!final) throw failure.noBuildpacks([]);
  for (const buildpack of layout.buildpacks.slice(0, -1)) {
    const reason = await run(staging, buildpack, 'supply', supplyArguments(layout, buildpack));
    if (reason) throw failure.scriptFailure('supply', buildpack.dir, reason);
  }
  await finalize(staging, final);
  const processes = await processesOf(staging, final);
  const result = stagingResult(processes, await metadataOf(layout));
  if (!result.process_types['web']) {
    const warning = 'No start command: neither a buildpack nor a Procfile names a process of type web.\n';
    staging.output.stderr(new TextEncoder().encode(warning));
  }
  await writeStagingInfo(layout, result);
  return result;
}

async function finalize(staging: Staging, final: StagedBuildpack): Promise<void> {
  const { layout } = staging;
  const supplied = supplyArguments(layout, final);
  if (!(await hasScript(final.dir, 'finalize'))) {
    if (layout.buildpacks.length > 1) staging.output.stderr(new TextEncoder().encode(failure.withoutFinalize));
    await files.removeTree(path.join(layout.depsDir, final.depsIdx));
    const reason = await run(staging, final, 'compile', [layout.buildDir, final.cacheDir]);
    if (reason) throw failure.scriptFailure('compile', final.dir, reason);
    return;
  }
  if (await hasScript(final.dir, 'supply')) {
    const reason = await run(staging, final, 'supply', supplied);
    if (reason) throw failure.finalSupplyFailure(final.dir, reason);
  }
  const reason = await run(staging, final, 'finalize', [...supplied, layout.profileDir]);
  if (reason) throw failure.scriptFailure('finalize', final.dir, reason);
}

async function processesOf(staging: Staging, final: StagedBuildpack): Promise<LaunchProcess[]> {
  const { layout } = staging;
  let merged: LaunchProcess[] = [];
  let hasFinalLaunchYml = false;
  for (const [index, buildpack] of layout.buildpacks.entries()) {
    // With ten or more buildpacks the platform looks for the index without its padding, and so finds no launch.yml.
    const text = await files.readTextIfPresent(path.join(layout.depsDir, String(index), 'launch.yml'), layout.depsDir);
    if (text === undefined) continue;
    merged = mergeProcesses(merged, parseLaunchYml(text, `launch.yml of ${buildpack.key}`));
    hasFinalLaunchYml = buildpack === final;
  }
  if (!hasFinalLaunchYml) merged = mergeProcesses(merged, await released(staging, final));
  const procfile = await files.readTextIfPresent(path.join(layout.buildDir, 'Procfile'), layout.buildDir);
  return procfile === undefined ? merged : mergeProcesses(merged, parseProcfile(procfile));
}

async function released(staging: Staging, final: StagedBuildpack): Promise<LaunchProcess[]> {
  const chunks: Uint8Array[] = [];
  const output = { ...staging.output, stdout: (chunk: Uint8Array) => void chunks.push(chunk) };
  const reason = await run({ ...staging, output }, final, 'release', [staging.layout.buildDir]);
  if (reason) throw failure.scriptFailure('release', final.dir, reason);
  try {
    return parseRelease(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw failure.scriptFailure('release', final.dir, messageOf(error));
  }
}

async function metadataOf(layout: StagingLayout): Promise<BuildpackMetadata[]> {
  return await Promise.all(
    layout.buildpacks.map(async ({ key, depsIdx }) => {
      const { name, version, config, output_metadata } = await configOf(layout, depsIdx);
      const prefix = (config as { entrypoint_prefix?: string } | null)?.entrypoint_prefix;
      return {
        key,
        name: String(name ?? ''),
        ...(version === undefined ? {} : { version: String(version) }),
        ...(config ? { config: prefix ? { entrypoint_prefix: prefix } : {} } : {}),
        ...(output_metadata ? { output_metadata } : {}),
      };
    }),
  );
}

async function writeStagingInfo(layout: StagingLayout, result: StagingResult): Promise<void> {
  const { detected_buildpack, buildpacks } = result.lifecycle_metadata;
  const config = buildpacks.at(-1)?.config;
  const info = { detected_buildpack, start_command: result.process_types['web'] ?? '', ...(config ? { config } : {}) };
  await files.writeText(path.join(layout.contentsDir, 'staging_info.yml'), `${JSON.stringify(info)}\n`);
}

async function configOf(layout: StagingLayout, depsIdx: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await files.readTextIfPresent(path.join(layout.depsDir, depsIdx, 'config.yml'), layout.depsDir);
  try {
    return (parse(text ?? '') as Readonly<Record<string, unknown>> | null) ?? {};
  } catch {
    // The platform ignores a config.yml that it cannot read.
    return {};
  }
}

function supplyArguments(layout: StagingLayout, { cacheDir, depsIdx }: StagedBuildpack): string[] {
  return [layout.buildDir, cacheDir, layout.depsDir, depsIdx];
}

async function hasScript(buildpackDir: string, name: string): Promise<boolean> {
  return await files.exists(path.join(buildpackDir, 'bin', name));
}

async function run(
  { layout, env, output }: Staging,
  buildpack: StagedBuildpack,
  script: string,
  args: readonly string[],
): Promise<string | undefined> {
  return await runScript({ file: path.join(buildpack.dir, 'bin', script), args, env, cwd: layout.homeDir, output });
}
