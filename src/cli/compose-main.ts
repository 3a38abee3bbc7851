import { printCliPluginMetadata, runCompose } from './compose.ts';

/** The program `compose.mjs`: `meridian-sidecar` as Compose and Docker call it, without the other commands' code. */
const [first, ...rest] = process.argv.slice(2);

if (first === 'docker-cli-plugin-metadata') printCliPluginMetadata();
else process.exitCode = await runCompose(first === 'compose' ? rest : process.argv.slice(2));
