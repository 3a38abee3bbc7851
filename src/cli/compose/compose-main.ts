import { printCliPluginMetadata, runCompose } from '../compose.ts';
import { watchOutput } from '../output.ts';

/** The program `compose.mjs`: `meridian-sidecar` as Compose and Docker call it, without the other commands' code. */
watchOutput();
const [first, ...rest] = process.argv.slice(2);

if (first === 'docker-cli-plugin-metadata') printCliPluginMetadata();
else process.exitCode = await runCompose(first === 'compose' ? rest : process.argv.slice(2));
