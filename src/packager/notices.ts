import type { BundledPackage } from './bundled-packages.ts';

export interface NoticesOptions {
  readonly packages: readonly BundledPackage[];
  /** Absent for what carries no runtime. */
  readonly node?: {
    readonly version: string;
    /** The text of the runtime's own LICENSE, which holds those of everything linked into it. */
    readonly license: string;
  };
}

/** The text of third-party-notices.txt: what the package, the droplet or the image carries of others, with their licenses. */
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
