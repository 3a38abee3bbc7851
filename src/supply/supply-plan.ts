import { ErrorList } from '../base/user-facing-error.ts';
import { depsPaths, packagePaths, profileScriptPath } from '../buildpack/layout.ts';
import type { BuildpackManifest } from '../buildpack/manifest.ts';
import { configYml, launchYml } from './launch-yml.ts';
import { findLostSidecar, type StagedNeighbours, typesWithoutProcess } from './preflight.ts';
import { profileScript } from './profile-script.ts';
import type { StagingInputs } from './staging-inputs.ts';
import { wrapperScript } from './wrapper-script.ts';

/** All the work of supply, decided before it begins. */
export interface SupplyPlan {
  /** Files of the package, copied into deps/<idx>. */
  readonly vendored: readonly { readonly from: string; readonly to: string }[];
  /** Written into deps/<idx>. */
  readonly depsFiles: readonly PlannedFile[];
  /** Written into BUILD_DIR. */
  readonly appFiles: readonly PlannedFile[];
}

export interface PlannedFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

export interface PlanOptions {
  readonly inputs: StagingInputs;
  readonly neighbours: StagedNeighbours;
  readonly version: string;
  readonly depsIdx: string;
}

/** @throws ErrorList with all problems of the inputs, and all reasons why the app would get no sidecar. */
export function planSupply({ inputs, neighbours, version, depsIdx }: PlanOptions): SupplyPlan {
  const errors = [...inputs.errors, ...findLostSidecar(neighbours, depsIdx)];
  if (errors.length > 0) throw new ErrorList(errors);
  const sidecarFor = inputs.sidecarFor.value;
  const memoryMb = inputs.memoryMb.value;
  const { pluginAddress, healthAddress } = inputs;
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
    appFiles: [
      { path: profileScriptPath, text: profileScript({ sidecarFor, pluginAddress, healthAddress }), mode: 0o644 },
    ],
  };
}

export interface WarningSources extends Pick<PlanOptions, 'inputs' | 'neighbours' | 'depsIdx'> {
  readonly manifest: BuildpackManifest;
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
}

/** Likely mistakes that do not fail a staging, each with what to do. */
export function findWarnings({ inputs, neighbours, depsIdx, manifest, nowMs }: WarningSources): string[] {
  return [
    ...inputs.warnings,
    ...typesWithoutProcess(neighbours, inputs.sidecarFor.value).map(typeWarning),
    ...(/^[1-9]\d/.test(depsIdx) ? [othersLostWarning] : []),
    ...endOfLifeWarning(manifest, nowMs),
  ];
}

const typeWarning = (type: string): string =>
  `The Procfile has no process type \`${type}\`, which is to get a sidecar.\nCorrect SIDECAR_FOR, unless the final buildpack declares that type.`;

/**
 * With ten buildpacks or more the platform pads the names of the folders, and then looks for launch.yml under unpadded ones.
 */
const othersLostWarning =
  'This app has ten buildpacks or more; the platform loses the sidecars of the first ten, not this one.\nUse fewer buildpacks.';

const noticeMs = 30 * 24 * 3_600_000;

function endOfLifeWarning(manifest: BuildpackManifest, nowMs: number): string[] {
  return Date.parse(manifest.nodeEndOfLife) - nowMs < noticeMs
    ? [
        `Node ${manifest.nodeVersion} has no more fixes after ${manifest.nodeEndOfLife}.\nAsk your operator for a newer release of this buildpack.`,
      ]
    : [];
}
