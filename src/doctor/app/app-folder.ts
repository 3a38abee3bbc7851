import { UserFacingError } from '../../base/user-facing-error.ts';
import type { Environment } from '../../contract/config/environment.ts';
import type { ConfigFile } from '../../contract/config/settings/config-file.ts';
import { SettingReader } from '../../contract/config/settings/setting-reader.ts';
import { settings } from '../../contract/config/settings.ts';
import { findUnknownVariables } from '../environment-checks.ts';
import { distinct, errorOf, type Finding, warningOf } from '../finding.ts';
import type { DoctorReport } from '../report.ts';
import { settingTable } from '../setting-table.ts';
import { findSwallowedSignals } from '../start-command/start-commands.ts';
import { examineInstances, platformPort } from './assumed-instance.ts';
import { findOrderFaults, isThisBuildpack } from './buildpack-order.ts';
import { type CloudApp, type CloudManifest, readCloudManifest } from './cloud-manifest.ts';
import { findHealthFaults, findProcessFaults } from './process-checks.ts';

/** The files and settings of a push that matter to a sidecar. */
export interface AppFolder {
  readonly name: string;
  /** The texts of manifest.yml and Procfile; undefined: the file does not exist. */
  readonly manifest: string | undefined;
  readonly procfile: string | undefined;
  /** The text of package.json; undefined: the file does not exist. */
  readonly packageJson: string | undefined;
  /** Reads the file that an environment's SIDECAR_CONFIG names. @throws UserFacingError when it does not exist. */
  readonly readConfigFile: (environment: Environment) => Promise<ConfigFile | undefined>;
}

export interface FolderOptions {
  /** Which of several applications in one manifest; absent: those that name this buildpack. */
  readonly app?: string | undefined;
  /** The buildpack's name on the platform; absent: any name with `meridian-sidecar` in it. */
  readonly buildpack?: string | undefined;
  /** The variables that `cf push` gets with --var. */
  readonly variables: Readonly<Record<string, string>>;
  /** Variables that are set elsewhere, such as by `cf set-env`; they override the manifest. */
  readonly env: Readonly<Record<string, string>>;
}

/** Reports each application's settings and problems, as far as they are known before it runs. */
export async function examineAppFolder(folder: AppFolder, options: FolderOptions): Promise<DoctorReport[]> {
  const manifest = manifestOf(folder, options);
  const apps = chosenApps(manifest.apps, options);
  if (apps.length === 0) {
    const missing = options.app === undefined ? [] : [noSuchApp(options.app, manifest.apps)];
    const findings = [...manifest.findings, ...missing];
    return [{ subject: `folder ${folder.name}`, settings: [], notes: [], findings }];
  }
  return await Promise.all(
    apps.map(async (app) => {
      const report = await examineApp(app, folder, options);
      return { ...report, findings: [...manifest.findings, ...report.findings] };
    }),
  );
}

function manifestOf({ name, manifest }: AppFolder, { variables }: FolderOptions): CloudManifest {
  if (manifest !== undefined) return readCloudManifest(manifest, variables);
  const { apps } = readCloudManifest(`applications: [{name: ${JSON.stringify(name)}}]`, {});
  return { apps, findings: [noManifest(name)] };
}

function chosenApps(apps: readonly CloudApp[], { app, buildpack }: FolderOptions): readonly CloudApp[] {
  if (app !== undefined) return apps.filter(({ name }) => name === app);
  const ours = apps.filter(({ buildpacks }) => buildpacks.some((entry) => isThisBuildpack(entry, buildpack)));
  return ours.length > 0 ? ours : apps.slice(0, 1);
}

async function examineApp(app: CloudApp, folder: AppFolder, options: FolderOptions): Promise<DoctorReport> {
  const environment: Environment = { ...app.env, ...options.env };
  const { configFile, findings: ofFile } = await readFileOf(folder, environment);
  const reader = new SettingReader({ environment });
  const sidecarFor = reader.read(settings.staging.sidecarFor);
  const memoryMb = reader.read(settings.staging.memoryMb);
  reader.read(settings.staging.holdsApp);
  const order = folder.manifest === undefined ? [] : findOrderFaults(app, options.buildpack);
  const processes = app.processes.filter(({ type }) => sidecarFor.includes(type));
  const instances = examineInstances({ app, processes, environment, configFile });
  const { healthAddress } = instances.config;
  const errors = [...reader.errors, ...instances.errors].map((fault) => severityOf(fault, app, environment));
  return {
    subject: `application ${app.name} in ${folder.name}, as it would be pushed`,
    settings: settingTable({
      environment,
      readings: [...reader.readings, ...instances.readings],
      readers: ['staging', 'run', 'plugin'],
      sourceOf: (variable) => (variable in options.env ? 'command line' : 'manifest.yml'),
    }),
    notes: [],
    findings: distinct([
      ...order,
      ...ofFile,
      ...errors,
      ...instances.findings,
      ...findProcessFaults({ app, procfile: folder.procfile, sidecarFor, memoryMb }),
      ...processes.flatMap((beside) => findHealthFaults({ beside, healthAddress, platformPort })),
      ...findSwallowedSignals({ app, procfile: folder.procfile, packageJson: folder.packageJson, sidecarFor }),
      ...findUnknownVariables(environment),
      ...unseenServices(app, instances.config.busApiUrl.origin),
    ]),
  };
}

async function readFileOf(
  { readConfigFile }: AppFolder,
  environment: Environment,
): Promise<{ readonly configFile: ConfigFile | undefined; readonly findings: readonly Finding[] }> {
  try {
    return { configFile: await readConfigFile(environment), findings: [] };
  } catch (error) {
    if (!(error instanceof UserFacingError)) throw error;
    return { configFile: undefined, findings: [{ severity: 'error', fault: error }] };
  }
}

/** A variable or binding may still be added after this folder was written, so its absence is not an error yet. */
function severityOf(fault: UserFacingError, { services }: CloudApp, environment: Environment): Finding {
  const isListed = services.includes(environment['SIDECAR_BUS_SERVICE'] ?? '');
  if (fault.id === 'config/bus-service/not-bound' && isListed) return listedOnly();
  const mayFollow = ['config/pool-type/missing', 'config/bus-service/not-bound'].includes(fault.id);
  return { severity: mayFollow ? 'warning' : 'error', fault };
}

/** With bound services the default address is rarely intended, and only a container sees their contents. */
function unseenServices({ services }: CloudApp, addressOrigin: string | undefined): Finding[] {
  return addressOrigin === undefined && services.length > 0 ? [listedOnly()] : [];
}

function listedOnly(): Finding {
  return warningOf({
    id: 'doctor/services/not-visible',
    found: 'The address of the bus may come from a bound service, whose credentials are told to containers only',
    next: ['Once the app is pushed, run `meridian-sidecar doctor` in its container.'],
  });
}

function noManifest(name: string): Finding {
  return warningOf({
    id: 'doctor/manifest/missing',
    found: `${name} holds no manifest.yml`,
    expected: 'Only what --env gives is known then, and no buildpacks, memory or processes.',
    next: ['Name the folder of an app, or give its variables with --env KEY=VALUE.'],
  });
}

function noSuchApp(wanted: string, apps: readonly CloudApp[]): Finding {
  return errorOf({
    id: 'doctor/manifest/no-such-app',
    found: `manifest.yml has no application named ${wanted}`,
    expected: `It has ${apps.map(({ name }) => name).join(', ') || 'none'}.`,
    next: ['Name one of them with --app.'],
  });
}
