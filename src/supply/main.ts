import { readFileSync } from 'node:fs';
import path from 'node:path';
import { exitCodeOf, FaultList, renderError } from '../base/user-facing-error.ts';
import { depsPaths, packagePaths } from '../buildpack/layout.ts';
import { parseManifest } from '../buildpack/manifest.ts';
import { carryOut, readNeighbours } from './staged-files.ts';
import { readStagingInputs } from './staging-inputs.ts';
import { createStagingLog } from './staging-log.ts';
import { planSupply } from './supply-plan.ts';

// bin/supply has checked the arguments and copied the runtime that this runs on:
// node dist/supply.mjs BUILDPACK_DIR BUILD_DIR CACHE_DIR DEPS_DIR DEPS_IDX
const [buildpackDir = '', buildDir = '', , depsDir = '', depsIdx = ''] = process.argv.slice(2);
const directories = { buildpackDir, buildDir, depsDir, depsIdx };
const log = createStagingLog({
  out: (text) => process.stdout.write(text),
  error: (text) => process.stderr.write(text),
});
const ofPackage = (name: string): string => readFileSync(path.join(buildpackDir, name), 'utf8');

try {
  const version = ofPackage(packagePaths.version).trim();
  log.step(`Meridian Sidecar Buildpack version ${version}`);
  const manifest = parseManifest(ofPackage(packagePaths.manifest));

  const inputs = readStagingInputs(process.env);
  const neighbours = await readNeighbours(directories);
  const plan = planSupply({ inputs, neighbours, manifest, version, depsIdx, nowMs: Date.now() });
  for (const warning of plan.warnings) log.warning(warning);

  log.step('Installing the sidecar');
  log.detail(`Node ${manifest.nodeVersion}, private to the sidecar, in deps/${depsIdx}/${depsPaths.home}`);
  await carryOut(plan, directories);

  const { memoryMb, sidecarFor } = inputs;
  log.step(`Declaring the sidecar for ${sidecarFor.join(', ')}`);
  log.detail(`${memoryMb} MB of the process are the sidecar's; change it with SIDECAR_MEMORY`);
  log.detail(`Give the process at least ${memoryMb + 1}M, the sidecar's memory and what the plugin itself needs`);
} catch (error) {
  const faults = error instanceof FaultList ? error.faults : [error];
  for (const fault of faults) log.error(renderError(fault));
  process.exitCode = exitCodeOf(error);
}
