import type { LaunchProcess } from './process-list.ts';

export interface BuildpackMetadata {
  readonly key: string;
  readonly name: string;
  readonly version?: string;
  /** The `config` of its config.yml, of which the platform knows one key. */
  readonly config?: { readonly entrypoint_prefix?: string };
  /** Any value that its config.yml has under this key. */
  readonly output_metadata?: unknown;
}

export interface Sidecar {
  readonly name: string;
  readonly process_types: readonly string[];
  readonly command: string;
  /** Megabytes; absent when launch.yml names none. */
  readonly memory?: number;
}

/** The platform's result.json, field by field. */
export interface StagingResult {
  readonly lifecycle_metadata: {
    readonly buildpack_key?: string;
    readonly detected_buildpack: string;
    readonly buildpacks: readonly BuildpackMetadata[];
  };
  readonly process_types: Readonly<Record<string, string>>;
  readonly processes?: readonly { readonly type: string; readonly command: string }[];
  readonly sidecars?: readonly Sidecar[];
  readonly execution_metadata: '';
  readonly lifecycle_type: 'buildpack';
}

/** Divides the merged entries into process types and sidecars: an entry without `sidecarFor` is an ordinary process type. */
export function stagingResult(
  entries: readonly LaunchProcess[],
  buildpacks: readonly BuildpackMetadata[],
): StagingResult {
  const ordinary = entries.filter((entry) => entry.sidecarFor.length === 0);
  const processes = ordinary.map(({ type, command }) => ({ type, command }));
  const sidecars = entries
    .filter((entry) => entry.sidecarFor.length > 0)
    .map(({ type, command, sidecarFor, memoryMb }) => ({
      name: type,
      process_types: sidecarFor,
      command,
      ...(memoryMb === 0 ? {} : { memory: memoryMb }),
    }));
  const last = buildpacks.at(-1);
  return {
    lifecycle_metadata: {
      ...(last ? { buildpack_key: last.key } : {}),
      detected_buildpack: last?.name ?? '',
      buildpacks,
    },
    process_types: Object.fromEntries(processes.map(({ type, command }) => [type, command])),
    ...(processes.length === 0 ? {} : { processes }),
    ...(sidecars.length === 0 ? {} : { sidecars }),
    execution_metadata: '',
    lifecycle_type: 'buildpack',
  };
}
