import type { StagingResult } from '../../src/local/staging-result.ts';

/**
 * A result.json with what differs between equal stagings made equal: the builder lists processes in random order, and a
 * buildpack's key is its name or the URL of its zip.
 */
export function comparableResult(result: StagingResult): StagingResult {
  const { lifecycle_metadata: metadata } = result;
  const { buildpack_key: key } = metadata;
  return {
    ...result,
    lifecycle_metadata: {
      ...metadata,
      ...(key === undefined ? {} : { buildpack_key: comparableKey(key) }),
      buildpacks: metadata.buildpacks.map((each) => ({ ...each, key: comparableKey(each.key) })),
    },
    ...(result.processes && { processes: result.processes.toSorted((a, b) => a.type.localeCompare(b.type)) }),
  };
}

const zipUrl = /http:\/\/127\.0\.0\.1:\d+\/meridian-sidecar_buildpack-\S*?\.zip/g;

function comparableKey(key: string): string {
  return key.replace(zipUrl, 'meridian_sidecar');
}

/** A log without the builder's own lines about downloads, which name ports and sizes. */
export function comparableLog(log: string): string {
  return log
    .replace(/^Downloaded buildpack .*\n/gm, '')
    .replace(zipUrl, 'meridian_sidecar')
    .replace(/\/tmp\/contents\d+/g, '/tmp/contents');
}
