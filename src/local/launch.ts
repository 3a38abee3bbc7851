import path from 'node:path';
import type { Scheduler } from '../base/time/scheduler.ts';
import { UserFacingError } from '../base/user-facing-error.ts';
import { type AppManifest, parseAppManifest } from './app-manifest.ts';
import { type CodependentProcess, runCodependent } from './codependent.ts';
import * as files from './droplet-files.ts';
import { launcherScript } from './launcher-script.ts';
import { type Environment, instanceEnvironment } from './platform-environment.ts';
import { type ProcessStream, spawnProcess } from './process-spawner.ts';
import type { StagingResult } from './staging-result.ts';

export interface LaunchOptions {
  /** The `outDir` of `stage`. */
  readonly stagedDir: string;
  readonly processType: string;
  /** Overrides the `env` of the app's manifest.yml. */
  readonly env: Environment;
  readonly scheduler: Scheduler;
  /** From SIGTERM to SIGKILL, in milliseconds; the platform's is 10,000. */
  readonly killDelayMs: number;
  readonly stop: AbortSignal;
  readonly onLine: (line: string, logSource: string, stream: ProcessStream) => void;
}

interface StagedApp {
  readonly dropletDir: string;
  readonly manifest: AppManifest;
  readonly result: StagingResult;
  readonly entrypointPrefix: string | undefined;
}

/**
 * Runs one instance of a staged process with its sidecars, as the platform's launcher and executor do. Resolves when all have
 * ended, with the exit code of the first. Unlike the platform it resolves no CredHub references and derives no DATABASE_URL
 * from VCAP_SERVICES.
 * @throws UserFacingError `launch/droplet/missing`, `launch/process/unknown` or `launch/memory/too-small`.
 */
export async function launch(options: LaunchOptions): Promise<number> {
  const { scheduler, killDelayMs, stop, onLine } = options;
  const staged = await readStaged(path.resolve(options.stagedDir));
  const processes = instanceProcesses(staged, options.processType, options.env);
  return await runCodependent({ processes, spawn: spawnProcess, scheduler, killDelayMs, stop, onLine });
}

async function readStaged(stagedDir: string): Promise<StagedApp> {
  const dropletDir = path.join(stagedDir, 'droplet');
  const result = await files.readTextIfPresent(path.join(stagedDir, 'result.json'));
  if (result === undefined || !(await files.isDirectory(path.join(dropletDir, 'app')))) {
    throw new UserFacingError({
      id: 'launch/droplet/missing',
      found: `${stagedDir} holds no droplet/ with a result.json beside it`,
      next: [`Stage an app first: meridian-sidecar stage APP --out ${stagedDir} -b DIR -b DIR.`],
      exitCode: 64,
    });
  }
  const manifest = await files.readTextIfPresent(path.join(dropletDir, 'app', 'manifest.yml'), dropletDir);
  const info = JSON.parse(
    (await files.readTextIfPresent(path.join(dropletDir, 'staging_info.yml'), dropletDir)) ?? '{}',
  ) as {
    readonly config?: { readonly entrypoint_prefix?: string };
  };
  return {
    dropletDir,
    manifest: parseAppManifest(manifest, path.basename(stagedDir)),
    result: JSON.parse(result) as StagingResult,
    entrypointPrefix: info.config?.entrypoint_prefix || undefined,
  };
}

function instanceProcesses(
  { dropletDir, manifest, result, entrypointPrefix }: StagedApp,
  processType: string,
  env: Environment,
): CodependentProcess[] {
  const command = result.process_types[processType];
  if (!command) throw unknownProcess(processType, Object.keys(result.process_types));
  const sidecars = (result.sidecars ?? []).filter(({ process_types }) => process_types.includes(processType));
  const sidecarMemoryMb = sidecars.reduce((sum, { memory }) => sum + (memory ?? 0), 0);
  if (sidecarMemoryMb >= manifest.memoryMb) throw tooLittleMemory(manifest.memoryMb, sidecarMemoryMb);
  const logSource = `APP/PROC/${processType.toUpperCase()}`;
  const entry = (name: string, commandLine: string, memoryMb: number): CodependentProcess => ({
    logSource: name,
    start: {
      file: '/bin/bash',
      args: ['-c', launcherScript(entrypointPrefix), '/launcher', path.join(dropletDir, 'app'), commandLine],
      env: instanceEnvironment({ manifest, dropletDir, processType, memoryMb, env }),
      cwd: dropletDir,
    },
  });
  return [
    entry(`${logSource}/0`, command, manifest.memoryMb - sidecarMemoryMb),
    ...sidecars.map((sidecar) =>
      entry(
        `${logSource}/SIDECAR/${sidecar.name.toUpperCase()}/0`,
        sidecar.command,
        sidecar.memory ?? manifest.memoryMb,
      ),
    ),
  ];
}

function unknownProcess(processType: string, known: readonly string[]): UserFacingError {
  return new UserFacingError({
    id: 'launch/process/unknown',
    found: `The droplet has no process of type ${processType}`,
    expected: known.length === 0 ? 'It has none at all.' : `It has: ${known.join(', ')}.`,
    next: [
      'Name a process type of the droplet: --process TYPE.',
      'Or add a line for it to the Procfile and stage again.',
    ],
    exitCode: 64,
  });
}

function tooLittleMemory(memoryMb: number, sidecarMemoryMb: number): UserFacingError {
  return new UserFacingError({
    id: 'launch/memory/too-small',
    found: `The app has ${memoryMb} MB, and its sidecars need ${sidecarMemoryMb} MB of them`,
    expected: 'Cloud Foundry refuses such an app: the sidecars take their memory from the process.',
    next: [`Give the app more than ${sidecarMemoryMb}M in manifest.yml.`],
    exitCode: 78,
  });
}
