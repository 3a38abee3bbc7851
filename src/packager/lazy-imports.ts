import { createRequire, isBuiltin } from 'node:module';
import type { Plugin } from 'esbuild';

/** Packages of which many runs need nothing. Loading one does nothing but define what it exports. */
const latePackages: ReadonlySet<string> = new Set(['yaml']);

/** The namespace of the modules that stand between an import and what it imports. */
const namespace = 'late';

/**
 * Loads Node's own modules, and some packages, when a bundle first uses something of them. What a run does not use then costs it
 * neither start nor memory. And an `import` of a module that an older Node does not have would fail before a bundle looks at Node.
 */
export const lazyImports: Plugin = {
  name: 'lazy-imports',
  setup(build) {
    const root = build.initialOptions.absWorkingDir ?? '';
    const require = createRequire(`${root}/package.json`);
    build.onResolve({ filter: /.*/ }, ({ path, kind, namespace: importer }) => {
      const isLate = isBuiltin(path) || latePackages.has(path);
      return isLate && kind === 'import-statement' && importer !== namespace ? { path, namespace } : undefined;
    });
    build.onLoad({ filter: /.*/, namespace }, ({ path }) => ({
      contents: lateModule(path, require(path) as unknown),
      resolveDir: root,
    }));
  },
};

/**
 * A CommonJS module that stands in for another one until something of it is used. Its exports are inherited, not its own: esbuild copies
 * own ones, one by one, at start, and keeps the prototype.
 */
function lateModule(path: string, found: unknown): string {
  const load = `require(${JSON.stringify(path)})`;
  // An object cannot stand in for a function.
  if (typeof found !== 'object') return `module.exports = ${load};`;
  return `let loaded;
module.exports = Object.create(new Proxy({}, { get: (_, name) => (loaded ??= ${load})[name] }));`;
}
