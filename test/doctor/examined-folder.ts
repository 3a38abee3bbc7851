import { stringify } from 'yaml';
import { UserFacingError } from '../../src/base/user-facing-error.ts';
import { examineAppFolder, type FolderOptions } from '../../src/doctor/app/app-folder.ts';
import type { DoctorReport } from '../../src/doctor/report.ts';

export interface Folder {
  /** Laid over a sound application; null takes a key away. */
  readonly app?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, unknown>>;
  /** In place of the whole file. */
  readonly manifest?: string;
  readonly procfile?: string;
  readonly configFile?: string;
  readonly options?: Partial<FolderOptions>;
}

export const sound = {
  name: 'oms',
  buildpacks: ['meridian-sidecar', 'nodejs_buildpack'],
  memory: '256M',
};

export async function examineAll({
  app,
  env,
  manifest,
  procfile,
  configFile,
  options,
}: Folder): Promise<DoctorReport[]> {
  const entries = Object.entries({ ...sound, ...app, env: { POOL_TYPE: 'OMSPool', ...env } });
  const application = Object.fromEntries(entries.filter(([, value]) => value !== null));
  return await examineAppFolder(
    {
      name: 'folder',
      manifest: manifest ?? stringify({ applications: [application] }),
      procfile,
      packageJson: undefined,
      readConfigFile: async ({ SIDECAR_CONFIG: named }) => {
        if (named === undefined) return undefined;
        if (configFile !== undefined) return { path: named, text: configFile };
        throw new UserFacingError({ id: 'config/sidecar-config/unreadable', found: 'x', next: [], exitCode: 78 });
      },
    },
    { variables: {}, env: {}, ...options },
  );
}

export async function examine(folder: Folder): Promise<DoctorReport> {
  const [report] = await examineAll(folder);
  if (!report) throw new Error('there is no report');
  return report;
}

export const found = ({ findings }: DoctorReport): string[] =>
  findings.map(({ severity, fault }) => `${severity} ${fault.id}`);

/** An application with changes, and with variables. */
export const web = (more: Readonly<Record<string, unknown>>, env?: Readonly<Record<string, unknown>>): Folder => ({
  app: more,
  ...(env && { env }),
});
