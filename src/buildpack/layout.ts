/** The buildpack's name, which is also the name of the one process that it adds. */
export const buildpackName = 'meridian-sidecar';

/**
 * Paths relative to the root of the buildpack. A package and a checkout after `npm run build` have the same layout, so that
 * bin/supply, which repeats some of these paths, needs to know only one.
 */
export const packagePaths = {
  manifest: 'manifest.yml',
  version: 'VERSION',
  /** Only in a cached package, with its checksum. */
  runtime: 'dist/runtime/node',
  runtimeChecksum: 'dist/runtime/node.sha256',
  /** The source from which staging downloads the runtime; only in an uncached package. */
  downloads: 'dist/runtime/downloads.tsv',
  downloader: 'bin/download-runtime.bash',
  supply: 'dist/supply.mjs',
  sidecar: 'dist/sidecar.mjs',
  cli: 'dist/cli.mjs',
  sbom: 'dist/sbom.cdx.json',
  notices: 'dist/third-party-notices.txt',
} as const;

/** Paths of supply's files, relative to deps/<idx>. */
export const depsPaths = {
  /** Private to the sidecar: other buildpacks would take a `node` in deps/<idx>/bin for the app's own. */
  home: 'meridian',
  runtime: 'meridian/node',
  sidecar: 'meridian/sidecar.mjs',
  cli: 'meridian/cli.mjs',
  wrapper: 'bin/meridian-sidecar',
  launch: 'launch.yml',
  config: 'config.yml',
} as const;

/** The only file that supply writes into the app, relative to BUILD_DIR. */
export const profileScriptPath = '.profile.d/meridian-sidecar.sh';
