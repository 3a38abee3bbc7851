import { stringify } from 'yaml';
import { buildpackName, depsPaths } from '../buildpack/layout.ts';

export interface LaunchOptions {
  /** As the platform wrote it, zero-padded or not: it is also the folder's name at run time. */
  readonly depsIdx: string;
  readonly memoryMb: number;
  readonly sidecarFor: readonly string[];
}

/**
 * The text of launch.yml: one process that the platform runs beside those of `sidecarFor`. The command begins with `exec`, so
 * that the platform's signals reach the sidecar, and contains no path of the staging container.
 */
export function launchYml(options: LaunchOptions): string {
  return stringify({
    processes: [
      {
        type: buildpackName,
        command: `exec "$DEPS_DIR/${options.depsIdx}/${depsPaths.wrapper}" run`,
        limits: { memory: options.memoryMb },
        platforms: { cloudfoundry: { sidecar_for: options.sidecarFor } },
      },
    ],
  });
}

/** The text of config.yml, from which the platform shows name and version; some final buildpacks fail without `config`. */
export function configYml(version: string): string {
  return stringify({ name: buildpackName, version, config: {} });
}
