import path from 'node:path';
import type { Plugin } from 'esbuild';

/** The sources whose classes the client exports: an error of the kit must be an instance of the class that a plugin imports. */
const ofClient = ['src/plugin/index.ts', 'src/plugin/plugin.ts', 'src/transport/rpc-error.ts'];

/** Lets a bundle import the client's bundle in the same folder, in place of the sources of what that exports. */
export function besideClient(root: string, client: string): Plugin {
  const files = new Set(ofClient.map((file) => path.join(root, file)));
  return {
    name: 'beside-client',
    setup(build) {
      build.onResolve({ filter: /^\.{1,2}\// }, ({ path: imported, resolveDir }) =>
        files.has(path.join(resolveDir, imported))
          ? { path: `./${path.basename(client)}`, external: true, sideEffects: false }
          : undefined,
      );
    },
  };
}
