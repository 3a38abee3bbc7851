import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { UserFacingError } from '../../base/user-facing-error.ts';

/** An npm package of which at least one file is in a bundle. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** The SPDX expression in its package.json. */
  readonly license: string;
  /** The text of its license files. */
  readonly licenseText: string;
  /** Of the package as npm provides it, in hexadecimal; absent where package-lock.json does not have it. */
  readonly sha512?: string;
}

export interface BundledPackagesOptions {
  /** Root of the checkout, which holds node_modules and package-lock.json. */
  readonly root: string;
  /** Paths of the bundled files, from the root. */
  readonly inputs: Iterable<string>;
}

/**
 * Lists the packages that the inputs belong to, in the order of their names.
 * @throws UserFacingError for a package without a license or its text, which may not be passed on.
 */
export async function bundledPackages({ root, inputs }: BundledPackagesOptions): Promise<BundledPackage[]> {
  const lock = JSON.parse(await readFile(path.join(root, 'package-lock.json'), 'utf8')) as PackageLock;
  const byDirectory = Map.groupBy([...new Set(inputs)].sort(), (input) => packageDirectory.exec(input)?.[0] ?? '');
  byDirectory.delete('');
  const packages = [...byDirectory].map(([directory, files]) => readPackage({ root, directory, files, lock }));
  return (await Promise.all(packages)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Also for a package nested in another one's folder, or when node_modules is a link. */
const packageDirectory = /node_modules\/(?:.*node_modules\/)?(?:@[^/]+\/)?[^/]+(?=\/)/;

interface PackageLock {
  readonly packages: Readonly<Record<string, { readonly integrity?: string } | undefined>>;
}

interface PackagePlace {
  readonly root: string;
  /** From the root; also its key in the lock. */
  readonly directory: string;
  /** Its bundled files, from the root. */
  readonly files: readonly string[];
  readonly lock: PackageLock;
}

async function readPackage({ root, directory, files, lock }: PackagePlace): Promise<BundledPackage> {
  const at = path.join(root, directory);
  const { name, version, license } = JSON.parse(await readFile(path.join(at, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: string;
  };
  const licenseText = (await licenseFiles(at)) || (await copyrightComments(root, files));
  if (license === undefined || licenseText === '') throw unlicensed(name);
  const integrity = /^sha512-(.+)$/.exec(lock.packages[directory]?.integrity ?? '')?.[1];
  return {
    name,
    version,
    license,
    licenseText,
    ...(integrity !== undefined && { sha512: Buffer.from(integrity, 'base64').toString('hex') }),
  };
}

async function licenseFiles(directory: string): Promise<string> {
  const names = (await readdir(directory)).filter((name) => /^(?:licen[cs]e|notice|copying)(?:[.-]|$)/i.test(name));
  const texts = await Promise.all(names.sort().map((name) => readFile(path.join(directory, name), 'utf8')));
  return texts.map((text) => text.trim()).join('\n\n');
}

/** Some packages state their license terms only at the top of each file. */
async function copyrightComments(root: string, files: readonly string[]): Promise<string> {
  const texts = await Promise.all(files.map((file) => readFile(path.join(root, file), 'utf8')));
  const comments = texts.flatMap((text) => /^(?:\s*\/\/.*\n)+|^\s*\/\*[\s\S]*?\*\//.exec(text)?.[0].trim() ?? []);
  return [...new Set(comments.filter((comment) => /copyright/i.test(comment)))].join('\n\n');
}

function unlicensed(name: string): UserFacingError {
  return new UserFacingError({
    id: 'packager/notices/unlicensed',
    found: `The bundled package ${name} has no license, or no text of it`,
    expected: 'The notices of the buildpack hold the license of everything in it.',
    next: ['Replace the package by one that may be passed on.'],
  });
}
