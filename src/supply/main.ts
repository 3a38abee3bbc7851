import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ErrorList, exitCodeOf, renderError } from '../base/user-facing-error.ts';
import { depsPaths, packagePaths } from '../buildpack/layout.ts';
import { parseManifest } from '../buildpack/manifest.ts';
import { readBindingSources } from '../contract/config/bus/binding-files.ts';
import { describeChoices } from './choices.ts';
import { carryOut, readConfigFileOfApp, readNeighbours } from './staged-files.ts';
import { readStagingInputs } from './staging-inputs.ts';
import { createStagingLog } from './staging-log.ts';
import { findWarnings, planSupply } from './supply-plan.ts';

// bin/supply has checked the arguments and copied the runtime that this runs on:
// node dist/supply.mjs BUILDPACK_DIR BUILD_DIR CACHE_DIR DEPS_DIR DEPS_IDX
const [buildpackDir = '', buildDir = '', , depsDir = '', depsIdx = ''] = process.argv.slice(2);
const directories = { buildpackDir, buildDir, depsDir, depsIdx };
// The staging must not depend on whether its output is read.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
const log = createStagingLog({
  out: (text) => process.stdout.write(text),
  error: (text) => process.stderr.write(text),
});
const ofPackage = (name: string): string => readFileSync(path.join(buildpackDir, name), 'utf8');

try {
  const version = ofPackage(packagePaths.version).trim();
  const manifest = parseManifest(ofPackage(packagePaths.manifest));

  const inputs = readStagingInputs({
    environment: process.env,
    configFile: await readConfigFileOfApp(directories, process.env),
    bindings: await readBindingSources(process.env),
  });
  const neighbours = await readNeighbours(directories);
  const found = { inputs, neighbours, depsIdx };
  for (const warning of findWarnings({ ...found, manifest, nowMs: Date.now() })) log.warning(warning);
  const plan = planSupply({ ...found, version });

  log.step('Installing the sidecar');
  log.detail(`Node ${manifest.nodeVersion}, private to the sidecar, in deps/${depsIdx}/${depsPaths.home}`);
  await carryOut(plan, directories);

  log.step('Declaring the sidecar');
  for (const line of describeChoices(inputs)) log.detail(line);
} catch (error) {
  const errors = error instanceof ErrorList ? error.errors : [error];
  for (const fault of errors) log.error(renderError(fault));
  process.exitCode = exitCodeOf(error);
}
