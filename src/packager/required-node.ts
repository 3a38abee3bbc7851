import { isBuiltin } from 'node:module';
import type { Plugin } from 'esbuild';

/** The oldest Node that a bundle runs on: of a program, and of the client, which lives in the process of a plugin. */
export const requiredNode = { program: 24, client: 22 } as const;

const tooOld = { id: 'node/version/too-old', exitCode: 78 };

/** JavaScript for the first lines of a bundle: on an older Node a program says so in one line and ends, and the client throws. */
export function nodeCheck(kind: keyof typeof requiredNode): string {
  const oldest = requiredNode[kind];
  const what = { program: 'meridian-sidecar', client: 'meridian-plugin.mjs' }[kind];
  const remedy = {
    program: 'install one, or start it in its checkout by `npm run -s meridian-sidecar --`, which brings one',
    client: 'start the plugin with one; on Cloud Foundry `engines` in package.json chooses it',
  }[kind];
  const message = `'${what} needs Node ${oldest} or newer, and this is Node ' + process.versions.node + ': ${remedy}.  [${tooOld.id}]'`;
  const refuse = {
    program: `{ console.error(${message}); process.exit(${tooOld.exitCode}); }`,
    client: `throw new Error(${message});`,
  }[kind];
  return `if (Number.parseInt(process.versions.node, 10) < ${oldest}) ${refuse}`;
}

/**
 * Loads Node's own modules by `require`, where a bundle first uses them. An `import` of one that an older Node does not have
 * would fail before the check above could say so.
 */
export const requireBuiltins: Plugin = {
  name: 'require-builtins',
  setup(build) {
    build.onResolve({ filter: /.*/ }, ({ path, kind, namespace }) => {
      if (!isBuiltin(path) || kind !== 'import-statement' || namespace === 'builtin') return undefined;
      return { path, namespace: 'builtin' };
    });
    build.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};
