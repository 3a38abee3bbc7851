import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { build, type Metafile } from 'esbuild';
import { nodeCheck, requiredNode } from '../required-node.ts';
import { besideClient } from './beside-client.ts';
import { consoleFiles } from './console-files.ts';
import { lazyImports } from './lazy-imports.ts';

/** Every program that is shipped as one file: its entry, and the path of its bundle from the repository's root. */
export const programs = {
  supply: { entry: 'src/supply/main.ts', outfile: 'dist/supply.mjs' },
  sidecar: { entry: 'src/sidecar/main.ts', outfile: 'dist/sidecar.mjs' },
  cli: { entry: 'src/cli/main.ts', outfile: 'dist/cli.mjs' },
  // Compose asks it for metadata before every call, which should cost little more than starting the runtime.
  compose: { entry: 'src/cli/compose/compose-main.ts', outfile: 'dist/compose.mjs' },
  composeProgram: { entry: 'src/cli/compose/compose-program.ts', outfile: 'dist/compose-program.mjs' },
  // The code of the package for plugins, and the one file that an author copies who wants no package.
  plugin: { entry: 'src/plugin/index.ts', outfile: 'dist/meridian-plugin/meridian-plugin.mjs' },
  // Bus and sidecar for the tests of plugins. It imports the client, so that both have the same classes.
  testing: { entry: 'src/testing/index.ts', outfile: 'dist/meridian-plugin/testing.mjs' },
} as const;

/** A thread's entry. The bundles that start it contain it as text, so that they stay single files. */
const sqliteWorker = 'src/bus/store/sqlite/worker.ts';

export type ProgramName = keyof typeof programs;

export interface BundleOptions {
  /** The repository's root directory. */
  readonly root: string;
  /** `outfile` is relative to this folder; absent: the repository. */
  readonly outRoot?: string;
}

// Bundled CommonJS packages call `require` for Node's own modules, which an ES module does not have.
const requireFunction =
  "import { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);";

const settings = {
  bundle: true,
  platform: 'node',
  target: `node${requiredNode.program}`,
  format: 'esm',
  logLevel: 'warning',
} as const;

/**
 * For the programs in a droplet: a third smaller. Names stay, for readable stack traces, and so do lines, because Node prints
 * the line that threw an uncaught error.
 */
const shipped = { minifyWhitespace: true, minifySyntax: true, lineLimit: 160 } as const;

/**
 * Bundles every program into one ES module each, with the same bytes for the same sources on every machine. Returns the
 * contents of each bundle. Licences of bundled packages stay at the end of its file.
 */
export async function bundle({ root, outRoot = root }: BundleOptions): Promise<Record<ProgramName, Metafile>> {
  const version = readFileSync(path.join(root, 'VERSION'), 'utf8').trim();
  const names = (Object.keys(programs) as ProgramName[]).filter((name) =>
    existsSync(path.join(root, programs[name].entry)),
  );
  const constants = {
    bundledVersion: JSON.stringify(version),
    bundledSqliteWorker: JSON.stringify(await bundledText(root, sqliteWorker)),
    // As a text in a text: esbuild would put an object beside every module of every bundle.
    bundledConsole: JSON.stringify(JSON.stringify(await consoleFiles(root))),
  };
  const metafiles = await Promise.all(
    names.map(async (name) => [name, await bundleOne({ root, outRoot }, name, constants)] as const),
  );
  return Object.fromEntries(metafiles) as Record<ProgramName, Metafile>;
}

async function bundleOne(
  { root, outRoot }: Required<BundleOptions>,
  name: ProgramName,
  constants: Readonly<Record<string, string>>,
): Promise<Metafile> {
  const { entry, outfile } = programs[name];
  const kind = name === 'plugin' || name === 'testing' ? 'client' : 'program';
  // The kit's bus and sidecars read no files.
  const leftOut = name === 'testing' ? ['yaml'] : [];
  const { plugin, inputs } = lazyImports(root, { leftOut });
  const { metafile } = await build({
    ...settings,
    ...(name === 'plugin' ? {} : shipped),
    target: `node${requiredNode[kind]}`,
    plugins: name === 'testing' ? [besideClient(root, programs.plugin.outfile), plugin] : [plugin],
    external: leftOut,
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: path.join(outRoot, outfile),
    banner: { js: `${nodeCheck(kind)}\n${requireFunction}` },
    define: constants,
    legalComments: 'eof',
    metafile: true,
  });
  return { ...metafile, inputs: { ...metafile.inputs, ...inputs } };
}

async function bundledText(root: string, entry: string): Promise<string> {
  const result = await build({ ...settings, ...shipped, absWorkingDir: root, entryPoints: [entry], write: false });
  return result.outputFiles.map(({ text }) => text).join('');
}
