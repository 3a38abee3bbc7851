import { FaultList } from '../base/user-facing-error.ts';
import { depsPaths, packagePaths, profileScriptPath } from '../buildpack/layout.ts';
import type { BuildpackManifest } from '../buildpack/manifest.ts';
import { configYml, launchYml } from './launch-yml.ts';
import { findNameCollisions, type StagedNeighbours } from './preflight.ts';
import { profileScript, wrapperScript } from './scripts.ts';
import type { StagingInputs } from './staging-inputs.ts';

/** Everything supply will do, decided before it does any of it. */
export interface SupplyPlan {
  /** Files of the package, copied into deps/<idx>. */
  readonly vendored: readonly { readonly from: string; readonly to: string }[];
  /** Written into deps/<idx>. */
  readonly depsFiles: readonly PlannedFile[];
  /** Written into BUILD_DIR. */
  readonly appFiles: readonly PlannedFile[];
  readonly warnings: readonly string[];
}

export interface PlannedFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

export interface PlanOptions {
  readonly inputs: StagingInputs;
  readonly neighbours: StagedNeighbours;
  readonly manifest: BuildpackManifest;
  readonly version: string;
  readonly depsIdx: string;
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
}

/** @throws FaultList when another process has the sidecar's name. */
export function planSupply(options: PlanOptions): SupplyPlan {
  const collisions = findNameCollisions(options.neighbours);
  if (collisions.length > 0) throw new FaultList(collisions);
  const { memoryMb, sidecarFor, warnings } = options.inputs;
  const { depsIdx, version } = options;
  return {
    vendored: [
      { from: packagePaths.sidecar, to: depsPaths.sidecar },
      { from: packagePaths.cli, to: depsPaths.cli },
    ],
    depsFiles: [
      { path: depsPaths.wrapper, text: wrapperScript, mode: 0o755 },
      { path: depsPaths.config, text: configYml(version), mode: 0o644 },
      { path: depsPaths.launch, text: launchYml({ depsIdx, memoryMb, sidecarFor }), mode: 0o644 },
    ],
    appFiles: [{ path: profileScriptPath, text: profileScript, mode: 0o644 }],
    warnings: [...warnings, ...paddingWarning(depsIdx), ...endOfLifeWarning(options.manifest, options.nowMs)],
  };
}

/** With ten buildpacks the platform pads the folder's name, and then looks for launch.yml under the unpadded one. */
function paddingWarning(depsIdx: string): string[] {
  return /^0\d/.test(depsIdx)
    ? [
        'This app has ten buildpacks or more; the platform then loses the sidecars of the first ten.\nUse fewer buildpacks.',
      ]
    : [];
}

const noticeMs = 30 * 24 * 3_600_000;

function endOfLifeWarning(manifest: BuildpackManifest, nowMs: number): string[] {
  return Date.parse(manifest.nodeEndOfLife) - nowMs < noticeMs
    ? [
        `Node ${manifest.nodeVersion} has no more fixes after ${manifest.nodeEndOfLife}.\nAsk your operator for a newer release of this buildpack.`,
      ]
    : [];
}
