import type { CarriedRuntime, RuntimeDownload } from '../packaged-manifest.ts';
import type { BundledPackage } from './bundled-packages.ts';

export interface SbomOptions {
  readonly name: string;
  readonly version: string;
  readonly nodeVersion: string;
  /** The runtime in the package, or the downloads that staging uses instead. */
  readonly runtime: CarriedRuntime | readonly RuntimeDownload[];
  readonly packages: readonly BundledPackage[];
  /** Build time in seconds since the Unix epoch; absent: the text contains no time. */
  readonly sourceDateEpoch?: number;
}

/** The text of a CycloneDX 1.6 bill of materials in JSON: the same text for the same content, so without a serial number. */
export function sbom(options: SbomOptions): string {
  const { name, version, packages, sourceDateEpoch } = options;
  const root = `${name}@${version}`;
  const components = [runtimeComponent(options), ...packages.map(packageComponent)];
  const bom = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      ...(sourceDateEpoch !== undefined && { timestamp: new Date(sourceDateEpoch * 1_000).toISOString() }),
      lifecycles: [{ phase: 'build' }],
      component: { type: 'application', 'bom-ref': root, name, version, licenses: licenses('Apache-2.0') },
    },
    components,
    dependencies: [
      { ref: root, dependsOn: components.map((component) => component['bom-ref']) },
      ...components.map((component) => ({ ref: component['bom-ref'] })),
    ],
  };
  return `${JSON.stringify(bom, undefined, 2)}\n`;
}

function runtimeComponent({ nodeVersion, runtime }: SbomOptions) {
  const described = {
    type: 'platform',
    name: 'node',
    version: nodeVersion,
    // Its LICENSE includes those of all linked libraries, which no single expression covers.
    licenses: [{ license: { name: 'Node.js' } }],
    cpe: `cpe:2.3:a:nodejs:node.js:${nodeVersion}:*:*:*:*:*:*:*`,
  };
  if (!('purl' in runtime)) {
    const purl = `pkg:generic/node@${nodeVersion}`;
    const externalReferences = runtime.map(({ uri, sha256, stack }) => ({
      type: 'distribution',
      url: uri,
      comment: `downloaded at staging on ${stack}`,
      hashes: [{ alg: 'SHA-256', content: sha256 }],
    }));
    return { ...described, 'bom-ref': purl, purl, externalReferences };
  }
  const { purl, sha256 } = runtime;
  return { ...described, 'bom-ref': purl, purl, hashes: [{ alg: 'SHA-256', content: sha256 }] };
}

function packageComponent({ name, version, license, sha512 }: BundledPackage) {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    licenses: licenses(license),
    purl,
    ...(sha512 !== undefined && { hashes: [{ alg: 'SHA-512', content: sha512 }] }),
  };
}

/** A single SPDX identifier is a license; a composed text is an expression. */
function licenses(spdx: string) {
  return /^[A-Za-z0-9.-]+$/.test(spdx) ? [{ license: { id: spdx } }] : [{ expression: spdx }];
}
