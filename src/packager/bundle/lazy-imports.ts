import { createRequire, isBuiltin } from 'node:module';
import { build as bundled, type Metafile, type Plugin } from 'esbuild';
import { requiredNode } from '../required-node.ts';

/** Packages of which many runs need nothing. Loading one does nothing but define what it exports. */
const latePackages: ReadonlySet<string> = new Set(['yaml', '@nats-io/transport-node']);

/** The namespace of the modules that stand between an import and what it imports. */
const namespace = 'late';

export interface LazyImportsOptions {
  /** Packages that the bundle never uses, though its sources import them. Absent: none. */
  readonly leftOut?: readonly string[];
}

export interface LazyImports {
  readonly plugin: Plugin;
  /** What the bundle contains as text, which esbuild does not list. Complete after the build. */
  readonly inputs: Metafile['inputs'];
}

/**
 * Loads Node's own modules, and some packages, when a bundle first uses something of them. What a run does not use then costs it
 * neither start nor memory. And an `import` of a module that an older Node does not have would fail before a bundle looks at Node.
 */
export function lazyImports(root: string, { leftOut = [] }: LazyImportsOptions = {}): LazyImports {
  const require = createRequire(`${root}/package.json`);
  const inputs: Metafile['inputs'] = {};
  const plugin: Plugin = {
    name: 'lazy-imports',
    setup(build) {
      build.onResolve({ filter: /.*/ }, ({ path, kind, namespace: importer }) => {
        const isLate = isBuiltin(path) || latePackages.has(path);
        return isLate && kind === 'import-statement' && importer !== namespace ? { path, namespace } : undefined;
      });
      build.onLoad({ filter: /.*/, namespace }, async ({ path }) => {
        const load = `require(${JSON.stringify(path)})`;
        // An object cannot stand in for a function.
        if (typeof require(path) === 'function') return { contents: `module.exports = ${load};` };
        if (isBuiltin(path) || leftOut.includes(path)) return { contents: lateModule(load) };
        const { text, metafile } = await packageText(root, path);
        Object.assign(inputs, metafile.inputs);
        return { contents: `${evaluate(text)}\n${lateModule('evaluated()')}` };
      });
    },
  };
  return { plugin, inputs };
}

/**
 * A CommonJS module that stands in for another one until something of it is used. Its exports are inherited, not its own: esbuild copies
 * own ones, one by one, at start, and keeps the prototype.
 */
function lateModule(load: string): string {
  return `let loaded;
module.exports = Object.create(new Proxy({}, { get: (_, name) => (loaded ??= ${load})[name] }));`;
}

/** V8 parses every function of a file at start, also those that never run. A text it only skips. */
function evaluate(text: string): string {
  return `function evaluated() {
  const module = { exports: {} };
  new Function('module', 'exports', 'require', ${JSON.stringify(text)})(module, module.exports, require);
  return module.exports;
}`;
}

/** The whole package as one CommonJS module. Its license is in the notices. */
async function packageText(root: string, name: string): Promise<{ text: string; metafile: Metafile }> {
  const { outputFiles, metafile } = await bundled({
    bundle: true,
    platform: 'node',
    target: `node${requiredNode.program}`,
    format: 'cjs',
    minify: true,
    absWorkingDir: root,
    stdin: { contents: `module.exports = require(${JSON.stringify(name)});`, resolveDir: root },
    write: false,
    metafile: true,
    logLevel: 'warning',
  });
  return { text: outputFiles.map(({ text }) => text).join(''), metafile };
}
