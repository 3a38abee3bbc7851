import { parse } from 'yaml';

/**
 * Reads a manifest.yml as `cf push` does, in YAML 1.1: `yes` and `on` are true, and 0200 is 128. Like its library (gopkg.in/yaml.v2), it
 * reads neither 12:30 as a number nor 2026-01-01 as a time.
 * @throws YAMLParseError
 */
export function parseManifestYaml(text: string): unknown {
  return parse(text, {
    version: '1.1',
    merge: true,
    logLevel: 'error',
    customTags: (tags) =>
      tags.filter(
        (tag) => typeof tag === 'string' || !(('format' in tag && tag.format === 'TIME') || tag.tag === timestamp),
      ),
  });
}

const timestamp = 'tag:yaml.org,2002:timestamp';

const unitsMb: Readonly<Record<string, number>> = { B: 1024 ** -2, K: 1 / 1024, M: 1, G: 1024, T: 1024 ** 2 };

/**
 * Reads an amount of memory of a manifest as Cloud Controller does, in whole megabytes. Undefined if Cloud Controller refuses it.
 * @example manifestMegabytes('1.5G') // 1536
 */
export function manifestMegabytes(value: unknown): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,9})?)(?:([KMGT])i?B?|(B))$/i.exec(String(value));
  const megabytes = Math.floor(
    Number(match?.[1] ?? 0) * (unitsMb[(match?.[2] ?? match?.[3] ?? '').toUpperCase()] ?? 0),
  );
  return megabytes > 0 ? megabytes : undefined;
}

/** The text that the app gets for a value in `env`. Undefined for a list or a map, which become text that only Ruby reads. */
export function environmentText(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null ? undefined : String(value ?? '');
}
