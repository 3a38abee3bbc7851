import { parse, stringify } from 'yaml';
import { UserFacingError } from '../base/user-facing-error.ts';
import { packagePaths } from '../buildpack/layout.ts';

/** Which package of the buildpack: for one stack or for any, with the runtime inside or downloaded at staging. */
export interface PackageVariant {
  /** A stack's name; `any` for a package that the platform offers to apps of every stack. */
  readonly stack: string;
  readonly cached: boolean;
}

/** The origin of a cached package's runtime. */
export interface CarriedRuntime {
  /** Path in the package. */
  readonly file: string;
  /** Of that file, in hexadecimal. */
  readonly sha256: string;
  /** A package URL, which names the origin without a host. */
  readonly purl: string;
}

/** One line of the manifest's `dependencies`, for one stack. */
export interface RuntimeDownload {
  readonly stack: string;
  readonly version: string;
  readonly sha256: string;
  readonly uri: string;
}

export interface PackagedManifest {
  /** The file name of the package, in the form of libbuildpack's packager. */
  readonly fileName: string;
  /** The text of its manifest.yml. */
  readonly text: string;
  /** The package's files. */
  readonly includeFiles: readonly string[];
  /** The default runtime's downloads, for each stack of the package. */
  readonly downloads: readonly RuntimeDownload[];
}

export interface PackagingOptions extends PackageVariant {
  readonly version: string;
  readonly runtime: CarriedRuntime;
}

/**
 * Rewrites manifest.yml for one package, by the rules of libbuildpack's packager: a package for one stack names that stack
 * and keeps only its dependencies, without `cf_stacks`; a cached one names the file of each dependency.
 * @throws UserFacingError when the manifest is one of a package already, or does not have the stack with its defaults.
 */
export function packageManifest(text: string, options: PackagingOptions): PackagedManifest {
  // The failsafe schema keeps versions and dates as text.
  const manifest = parse(text, { schema: 'failsafe' }) as RawManifest;
  if (manifest.stack !== undefined) reject('packaged-already', 'manifest.yml has a `stack`, as that of a package has');
  const forAnyStack = options.stack === 'any';
  const dependencies = dependenciesOf(manifest).filter(
    ({ cf_stacks: stacks = [] }) => stacks.length > 0 && (forAnyStack || stacks.includes(options.stack)),
  );
  rejectUnresolved(manifest, dependencies, options.stack);
  const packaged = dependencies.map((each) => (forAnyStack ? each : withoutStacks(each)));
  const { pre_package: _, dependencies: __, ...rest } = manifest;
  // A package either contains its runtime or knows where to download it, and its file list says which.
  const others = options.cached ? [packagePaths.downloads] : [packagePaths.runtime, packagePaths.runtimeChecksum];
  const includeFiles = manifest.include_files.filter((name) => !others.some((other) => other === name));
  return {
    fileName: packageFileName(manifest.language, options),
    text: stringify({
      ...rest,
      ...(forAnyStack ? {} : { stack: options.stack }),
      include_files: includeFiles,
      dependencies: options.cached ? carried(packaged, options.runtime) : packaged,
    }),
    includeFiles,
    downloads: dependencies
      .filter((each) => each.name === 'node' && isDefault(manifest, each))
      .flatMap(({ version, sha256, uri, cf_stacks: stacks = [] }) =>
        stacks
          .filter((stack) => forAnyStack || stack === options.stack)
          .map((stack) => ({ stack, version, sha256, uri })),
      ),
  };
}

/** The table for bin/download-runtime.bash, which bash can read alone: stack, version, sha256 and URI on each line. */
export function downloadsTable(downloads: readonly RuntimeDownload[]): string {
  return downloads.map(({ stack, version, sha256, uri }) => `${[stack, version, sha256, uri].join('\t')}\n`).join('');
}

interface RawDependency {
  readonly name: string;
  readonly version: string;
  readonly uri: string;
  readonly sha256: string;
  readonly cf_stacks?: readonly string[];
}

interface RawManifest {
  readonly language: string;
  readonly stack?: string;
  readonly default_versions: readonly { readonly name: string; readonly version: string }[];
  readonly dependencies: readonly RawDependency[];
  readonly include_files: readonly string[];
  readonly pre_package?: string;
}

function packageFileName(language: string, { version, stack, cached }: PackagingOptions): string {
  return `${language}_buildpack${cached ? '-cached' : ''}${stack === 'any' ? '' : `-${stack}`}-v${version}.zip`;
}

function dependenciesOf(manifest: RawManifest): readonly RawDependency[] {
  if (!Array.isArray(manifest.dependencies)) reject('no-dependencies', 'manifest.yml has no list of `dependencies`');
  return manifest.dependencies;
}

function isDefault(manifest: RawManifest, { name, version }: RawDependency): boolean {
  return manifest.default_versions.some((each) => each.name === name && each.version === version);
}

function rejectUnresolved(manifest: RawManifest, dependencies: readonly RawDependency[], stack: string): void {
  if (dependencies.length === 0) {
    const known = [...new Set(manifest.dependencies.flatMap(({ cf_stacks: stacks = [] }) => stacks))];
    reject('stack', `No dependency of manifest.yml is for the stack ${stack}`, `Name one of any, ${known.join(', ')}.`);
  }
  for (const { name, version } of manifest.default_versions) {
    if (dependencies.some((each) => each.name === name && each.version === version)) continue;
    reject('default', `The default version ${version} of ${name} is in no dependency for the stack ${stack}`);
  }
}

function withoutStacks(dependency: RawDependency): RawDependency {
  const { cf_stacks: _, ...rest } = dependency;
  return rest;
}

/** The package's runtime is the same file for every stack, so all entries become one. */
function carried(dependencies: readonly RawDependency[], { file, sha256, purl }: CarriedRuntime): unknown[] {
  const [first] = dependencies;
  const stacks = dependencies.flatMap(({ cf_stacks: each = [] }) => each);
  return [
    {
      name: first?.name,
      version: first?.version,
      uri: purl,
      file,
      sha256,
      ...(stacks.length > 0 && { cf_stacks: stacks }),
    },
  ];
}

function reject(fault: string, found: string, next = 'Correct manifest.yml in the checkout.'): never {
  throw new UserFacingError({ id: `packager/manifest/${fault}`, found, next: [next] });
}
