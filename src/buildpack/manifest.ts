import { parse } from 'yaml';
import { UserFacingError } from '../base/user-facing-error.ts';

export interface BuildpackManifest {
  readonly language: string;
  /** The one runtime that this buildpack ships, as `24.18.0`. */
  readonly nodeVersion: string;
  /** Relative paths of a package's files. */
  readonly includeFiles: readonly string[];
  /** When the runtime's line ends, as `2028-04-30`. */
  readonly nodeEndOfLife: string;
}

/**
 * Reads the parts of manifest.yml that this project uses; libbuildpack reads the rest.
 * @throws UserFacingError for the buildpack's operator when a part is missing.
 */
export function parseManifest(text: string): BuildpackManifest {
  // The failsafe schema keeps versions and dates as text.
  const manifest = parse(text, { schema: 'failsafe' }) as RawManifest | null;
  const isNode = (entry: { readonly name?: string }): boolean => entry.name === 'node';
  return {
    language: present(manifest?.language, 'language'),
    nodeVersion: present(manifest?.default_versions?.find(isNode)?.version, 'default_versions'),
    includeFiles: present(manifest?.include_files, 'include_files'),
    nodeEndOfLife: present(manifest?.dependency_deprecation_dates?.find(isNode)?.date, 'dependency_deprecation_dates'),
  };
}

interface RawManifest {
  readonly language?: string;
  readonly default_versions?: readonly { readonly name?: string; readonly version?: string }[];
  readonly include_files?: readonly string[];
  readonly dependency_deprecation_dates?: readonly { readonly name?: string; readonly date?: string }[];
}

function present<T>(value: T | undefined, key: string): T {
  if (value !== undefined) return value;
  throw new UserFacingError({
    id: 'buildpack/manifest/incomplete',
    found: `manifest.yml of the buildpack says nothing about node under \`${key}\``,
    next: ['Install an unchanged package of the buildpack.'],
  });
}
