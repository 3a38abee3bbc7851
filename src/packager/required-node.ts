/** The oldest Node for a bundle: of a program, and of the client, which runs in a plugin's process. */
export const requiredNode = {
  program: 24,
  client: 22,
  // The release that brought `process.getBuiltinModule`: https://nodejs.org/api/process.html#processgetbuiltinmoduleid
  clientExactly: '22.3.0',
} as const;

const tooOld = { id: 'node/version/too-old', exitCode: 78 };

/** JavaScript for the first lines of a bundle. On an older Node a program prints one line and ends, and the client throws. */
export function nodeCheck(kind: 'program' | 'client'): string {
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
