import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { readTextFile } from '../base/files/read-text-file.ts';
import { realScheduler } from '../base/time/real-scheduler.ts';
import { UserFacingError } from '../base/user-facing-error.ts';
import { readHostFile } from '../compose/invocation/host-files.ts';
import { readBindingSources } from '../contract/config/bus/binding-files.ts';
import { variableSettings } from '../contract/config/settings.ts';
import { examineAppFolder } from '../doctor/app/app-folder.ts';
import { examineComposeFile } from '../doctor/compose/compose-file.ts';
import { examineContainer } from '../doctor/container/container.ts';
import { networkProbes } from '../doctor/container/network-probes.ts';
import { exitCodeFor } from '../doctor/finding.ts';
import { type DoctorReport, renderReport, reportAsJson } from '../doctor/report.ts';
import { readTextIfPresent } from '../local/droplet-files.ts';
import { readSidecarConfigFile } from '../sidecar/lifecycle/launch-files.ts';
import { type AddCommand, collect, environmentOf, usageExitCode } from './command.ts';

interface DoctorFlags {
  readonly app?: string;
  readonly buildpack?: string;
  readonly env: readonly string[];
  readonly var: readonly string[];
  readonly offline: boolean;
  readonly json: boolean;
}

const questionTimeoutMs = 5_000;

/**
 * `meridian-sidecar doctor`: shows the settings, their sources, problems and solutions; exits 78 or 69 when there are problems.
 */
export const addDoctorCommand: AddCommand = (program) => {
  program
    .command('doctor')
    .description(
      'show the settings, where they come from and what is wrong, for the folder of an app or in a container',
    )
    .argument(
      '[app]',
      'folder of the app, or a Compose file (default: the container that this runs in, else the current folder)',
    )
    .option('--app <name>', 'which application of manifest.yml (default: those that name this buildpack)')
    .option('--buildpack <name>', 'name of this buildpack on the platform')
    .option('-e, --env <key=value>', 'variable that is set elsewhere; wins over manifest.yml', collect, [])
    .option('--var <key=value>', 'value for ((key)) of manifest.yml, as for cf push', collect, [])
    .option('--offline', 'connect to nothing, neither to the bus nor to the sidecar', false)
    .option('--json', 'print the report as JSON', false)
    .action(async (folder: string | undefined, flags: DoctorFlags) => {
      const place = path.resolve(folder ?? '.');
      const isContainer = folder === undefined && (isSetUp(process.env) || !(await isApp(place)));
      const reports = isContainer ? [await examineHere(process.env, flags)] : await examinePlace(place, flags);
      process.stdout.write(
        flags.json
          ? `${JSON.stringify(reports.map(reportAsJson))}\n`
          : reports.map((report) => renderReport(report, process.stdout)).join('\n'),
      );
      process.exitCode = exitCodeFor(reports.flatMap(({ findings }) => findings));
    });
};

async function examinePlace(place: string, flags: DoctorFlags): Promise<DoctorReport[]> {
  if (!/\.ya?ml$/.test(place)) return await examineFolder(place, flags);
  const text = await readTextIfPresent(place);
  if (text === undefined) throw notAFolder(place);
  // Compose is usually called in the folder of its file, and paths in options begin with $PWD.
  const variables = { PWD: path.dirname(place), ...environmentOf(flags.env) };
  return examineComposeFile({ name: path.basename(place), text, variables, readFile: readHostFile });
}

async function examineFolder(folder: string, flags: DoctorFlags): Promise<DoctorReport[]> {
  if (!(await isFolder(folder))) throw notAFolder(folder);
  return await examineAppFolder(
    {
      name: path.basename(folder),
      manifest: await readTextIfPresent(path.join(folder, 'manifest.yml'), folder),
      procfile: await readTextIfPresent(path.join(folder, 'Procfile'), folder),
      packageJson: await readTextIfPresent(path.join(folder, 'package.json'), folder),
      readConfigFile: (environment) => readSidecarConfigFile({ ...environment, HOME: folder }),
    },
    {
      app: flags.app,
      buildpack: flags.buildpack,
      env: environmentOf(flags.env),
      variables: environmentOf(flags.var, '--var'),
    },
  );
}

/** Whether this is the environment of a container, not of a person who examines an app's sources. */
function isSetUp(environment: NodeJS.ProcessEnv): boolean {
  return ['VCAP_APPLICATION', ...variableSettings.keys()].some((name) => environment[name] !== undefined);
}

async function isApp(folder: string): Promise<boolean> {
  return (await readTextIfPresent(path.join(folder, 'manifest.yml'))) !== undefined;
}

async function examineHere(environment: NodeJS.ProcessEnv, { env, offline }: DoctorFlags): Promise<DoctorReport> {
  const assumed = { ...environment, ...environmentOf(env) };
  return await examineContainer({
    environment: assumed,
    configFile: await readSidecarConfigFile(assumed).catch((error: unknown) => {
      if (error instanceof UserFacingError) return error;
      throw error;
    }),
    bindings: await readBindingSources(assumed),
    probes: {
      nowMs: Number(realScheduler.wallTimeNs() / 1_000_000n),
      readFile: (file) => readTextFile(file),
      listFolder: (name) => readdir(name),
      network: offline ? undefined : networkProbes(realScheduler, questionTimeoutMs),
    },
  });
}

async function isFolder(folder: string): Promise<boolean> {
  return await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function notAFolder(folder: string): UserFacingError {
  return new UserFacingError({
    id: 'doctor/folder/unreadable',
    found: `${folder} is not a folder or Compose file that can be read`,
    next: ['Name the folder of the app, or its compose.yaml.'],
    exitCode: usageExitCode,
  });
}
