import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { programs } from '../bundle/bundle.ts';
import { type MadePackage, madePackage } from '../made-package.ts';
import { requiredNode } from '../required-node.ts';
import { clientDeclarations } from './declarations.ts';
import { writeTgz } from './tgz-file.ts';

const name = 'meridian-plugin';
const code = path.basename(programs.plugin.outfile);
/** TypeScript finds it beside the code, also where somebody copied both. */
const declarations = code.replace(/\.mjs$/, '.d.mts');

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
    [declarations]: await clientDeclarations(root, programs.plugin.entry),
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

function packageJson(version: string): object {
  return {
    name,
    version,
    description:
      "A client for plugins of Meridian: publish, subscribe, call and keep state by the plugin's own sidecar.",
    license: 'Apache-2.0',
    type: 'module',
    engines: { node: `>=${requiredNode.clientExactly}` },
    exports: { '.': { types: `./${declarations}`, default: `./${code}` }, './package.json': './package.json' },
    types: `./${declarations}`,
  };
}
