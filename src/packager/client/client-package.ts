import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { programs } from '../bundle/bundle.ts';
import { type MadePackage, madePackage } from '../made-package.ts';
import { requiredNode } from '../required-node.ts';
import { clientDeclarations } from './declarations.ts';
import { writeTgz } from './tgz-file.ts';

const name = 'meridian-plugin';
const code = path.basename(programs.plugin.outfile);
const testingCode = path.basename(programs.testing.outfile);
/** TypeScript finds them beside the code, also where somebody copied both. */
const declarationsOf = (file: string): string => file.replace(/\.mjs$/, '.d.mts');

export interface ClientPackageOptions {
  /** Root of the checkout, with the client's bundle in dist/. */
  readonly root: string;
  readonly version: string;
}

/** Completes the folder of the client's bundle to an npm package, and installs it in the app of the fixture. */
export async function writeClientPackage({ root, version }: ClientPackageOptions): Promise<void> {
  const folder = path.join(root, path.dirname(programs.plugin.outfile));
  const texts = {
    'package.json': `${JSON.stringify(packageJson(version), undefined, 2)}\n`,
    'README.md': await readFile(path.join(root, 'src/plugin/README.md'), 'utf8'),
    LICENSE: await readFile(path.join(root, 'LICENSE'), 'utf8'),
    [declarationsOf(code)]: await clientDeclarations(root, programs.plugin.entry),
    [declarationsOf(testingCode)]: `${disposable}\n${await testingDeclarations(root)}`,
  };
  for (const [file, text] of Object.entries(texts)) await writeFile(path.join(folder, file), text);
  // As `npm install` would leave it there; what is pushed has its dependency with it.
  const installed = path.join(root, 'fixtures/node-plugin/node_modules', name);
  await rm(installed, { recursive: true, force: true });
  await mkdir(path.dirname(installed), { recursive: true });
  await cp(folder, installed, { recursive: true });
}

/** Packs the client's folder for `npm install FILE`; the same checkout gives the same bytes. */
export async function packClient(options: ClientPackageOptions & { readonly outDir: string }): Promise<MadePackage> {
  const folder = path.join(options.root, path.dirname(programs.plugin.outfile));
  const files = await readdir(folder);
  const entries = files.map(async (file) => ({
    path: `package/${file}`,
    bytes: await readFile(path.join(folder, file)),
  }));
  const file = path.join(options.outDir, `${name}-${options.version}.tgz`);
  await writeTgz(file, await Promise.all(entries));
  return madePackage(file);
}

/** For `await using`, which the types of a program need not have. */
const disposable = '/// <reference lib="esnext.disposable" />';

function testingDeclarations(root: string): Promise<string> {
  return clientDeclarations(root, programs.testing.entry, { entry: programs.plugin.entry, module: `./${code}` });
}

function packageJson(version: string): object {
  return {
    name,
    version,
    description:
      "A client for plugins of Meridian: publish, subscribe, call and keep state by the plugin's own sidecar.",
    license: 'Apache-2.0',
    type: 'module',
    engines: { node: `>=${requiredNode.clientExactly}` },
    exports: { '.': exported(code), './testing': exported(testingCode), './package.json': './package.json' },
    types: `./${declarationsOf(code)}`,
  };
}

function exported(file: string): object {
  return { types: `./${declarationsOf(file)}`, default: `./${file}` };
}
