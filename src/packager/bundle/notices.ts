import type { BundledPackage } from './bundled-packages.ts';

export interface NoticesOptions {
  readonly packages: readonly BundledPackage[];
  /** Absent for a product without a runtime. */
  readonly node?: {
    readonly version: string;
    /** The text of the runtime's own LICENSE, which includes those of all linked libraries. */
    readonly license: string;
  };
}

/** The text of third-party-notices.txt: the third-party parts of the package, droplet or image, with their licenses. */
export function thirdPartyNotices({ packages, node }: NoticesOptions): string {
  const sections = [
    ...packages.map(({ name, version, license, licenseText }) => ({
      title: `${name} ${version} (${license})`,
      text: licenseText,
    })),
    ...(node ? [{ title: `Node.js ${node.version}`, text: node.license.trim() }] : []),
  ];
  const list = sections.map(({ title }) => `- ${title}`).join('\n');
  const texts = sections.map(({ title, text }) => `${'='.repeat(78)}\n${title}\n${'='.repeat(78)}\n\n${text}\n`);
  return `The Meridian sidecar buildpack holds software of others:\n\n${list}\n\n${texts.join('\n')}`.replaceAll(
    '\r',
    '',
  );
}
