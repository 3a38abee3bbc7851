import { environmentText, manifestMegabytes, parseManifestYaml } from '../base/manifest-yaml.ts';
import { messageOf, UserFacingError } from '../base/user-facing-error.ts';

/** The first application of an app's manifest.yml, as far as one machine needs it. */
export interface AppManifest {
  readonly name: string;
  readonly memoryMb: number;
  readonly env: Readonly<Record<string, string>>;
  /** Names as on the platform; on one machine directories take their place. */
  readonly buildpacks: readonly string[];
}

/** The platform's default for an app whose manifest names no memory. */
const defaultMemoryMb = 1024;

/**
 * Reads the first application of a manifest.yml; an absent file is an app named `fallbackName` with the defaults.
 * @throws UserFacingError `stage/manifest/…`.
 */
export function parseAppManifest(text: string | undefined, fallbackName: string): AppManifest {
  const document = readYaml(text ?? '') as { applications?: readonly Record<string, unknown>[] } | null;
  const app = document?.applications?.[0] ?? {};
  const env = (app['env'] ?? {}) as Readonly<Record<string, unknown>>;
  return {
    name: String(app['name'] ?? fallbackName),
    memoryMb: memoryMbOf(app['memory']),
    env: Object.fromEntries(Object.entries(env).map(([key, value]) => [key, textOf(key, value)])),
    buildpacks: Array.isArray(app['buildpacks']) ? app['buildpacks'].map(String) : [],
  };
}

function readYaml(text: string): unknown {
  try {
    return parseManifestYaml(text);
  } catch (error) {
    throw new UserFacingError({
      id: 'stage/manifest/yaml',
      found: `manifest.yml of the app is not YAML: ${messageOf(error)}`,
      next: ['Correct manifest.yml.'],
    });
  }
}

/** @throws UserFacingError `stage/manifest/env`, since the platform's conversion would be useless. */
function textOf(name: string, value: unknown): string {
  const text = environmentText(value);
  if (text !== undefined) return text;
  throw new UserFacingError({
    id: 'stage/manifest/env',
    found: `\`env\` of manifest.yml gives ${name} as a YAML ${Array.isArray(value) ? 'list' : 'map'}`,
    expected: 'Cloud Controller turns that into text in the notation of Ruby, which is not JSON.',
    next: [`Write the value of ${name} as text, in quotes or behind \`>-\`.`],
  });
}

function memoryMbOf(value: unknown): number {
  if (value === undefined || value === null) return defaultMemoryMb;
  const memoryMb = manifestMegabytes(value);
  if (memoryMb !== undefined) return memoryMb;
  throw new UserFacingError({
    id: 'stage/manifest/memory',
    found: `memory in manifest.yml is ${JSON.stringify(value)}`,
    expected: 'It must be a number with a unit, such as 256M or 1G.',
    next: ['Correct manifest.yml.'],
  });
}
