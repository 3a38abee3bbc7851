import path from 'node:path';
import { inject } from 'vitest';
import { pythonPackages } from './python-packages.ts';

/** One combination of an app and buildpacks, which is staged in each way. */
export interface StagingCase {
  readonly name: string;
  /** What is special about it. */
  readonly about: string;
  readonly appDir: string;
  /** Keys of buildpacks in order; `meridian_sidecar` is this one. */
  readonly buildpacks: readonly BuildpackName[];
  readonly exitCode: number;
  /** What the final buildpack needs of this machine: a variable with a path, which is another one in the container. */
  readonly needs?: () => Promise<Readonly<Record<string, string>>> | Readonly<Record<string, string>>;
}

const root = path.resolve(import.meta.dirname, '../..');
const fixture = (name: string): string => path.join(root, 'fixtures', name);
const app = (name: string): string => path.join(import.meta.dirname, 'apps', name);
const buildpack = (name: string): string => path.join(import.meta.dirname, 'buildpacks', name);

const buildpackDirs = {
  meridian_sidecar: () => inject('lifecycle').packageDir,
  'final-buildpack': () => fixture('final-buildpack'),
  'python-final': () => buildpack('python-final'),
  'bash-final': () => buildpack('bash-final'),
  'compile-only': () => buildpack('compile-only'),
  'other-supply': () => buildpack('other-supply'),
  'quiet-supply': () => buildpack('quiet-supply'),
};

export type BuildpackName = keyof typeof buildpackDirs;

/** This buildpack. */
export const own = 'meridian_sidecar';

/** Where a buildpack is on this machine; the last part is its key on the platform. */
export function dirOf(name: BuildpackName): string {
  return buildpackDirs[name]();
}

const stagingCases = [
  {
    name: 'node-plugin',
    about: 'with a final buildpack that has finalize and release',
    appDir: fixture('node-plugin'),
    buildpacks: [own, 'final-buildpack'],
    exitCode: 0,
    needs: () => ({ FIXTURE_NODE: process.execPath }),
  },
  {
    name: 'python-plugin',
    about: 'whose start command is in its Procfile',
    appDir: fixture('python-plugin'),
    buildpacks: [own, 'python-final'],
    exitCode: 0,
    needs: async () => ({ FIXTURE_PYTHON_PACKAGES: await pythonPackages() }),
  },
  {
    name: 'procfile',
    about: 'with a Procfile of two types, both with a sidecar',
    appDir: app('procfile-app'),
    buildpacks: [own, 'bash-final'],
    exitCode: 0,
  },
  {
    name: 'compile-only',
    about: 'with a final buildpack that has compile only',
    appDir: app('bash-app'),
    buildpacks: [own, 'compile-only'],
    exitCode: 0,
  },
  {
    name: 'two-sidecars',
    about: 'with two supply buildpacks that both write launch.yml',
    appDir: app('bash-app'),
    buildpacks: ['other-supply', own, 'bash-final'],
    exitCode: 0,
  },
  { name: 'alone', about: 'with this buildpack alone', appDir: app('bash-app'), buildpacks: [own], exitCode: 223 },
  {
    name: 'last',
    about: 'with this buildpack last',
    appDir: app('bash-app'),
    buildpacks: ['quiet-supply', own],
    exitCode: 223,
  },
  {
    name: 'twice',
    about: 'with this buildpack twice',
    appDir: app('bash-app'),
    buildpacks: [own, own, 'bash-final'],
    exitCode: 225,
  },
  {
    name: 'ten',
    about: 'with ten buildpacks',
    appDir: app('bash-app'),
    buildpacks: [own, ...Array.from({ length: 8 }, () => 'quiet-supply' as const), 'bash-final'],
    exitCode: 225,
  },
] as const satisfies readonly StagingCase[];

export const allStagingCases: readonly StagingCase[] = stagingCases;

export type CaseName = (typeof stagingCases)[number]['name'];

export function stagingCase(name: CaseName): StagingCase {
  const found = allStagingCases.find((each) => each.name === name);
  if (!found) throw new Error(`there is no case ${name}`);
  return found;
}
