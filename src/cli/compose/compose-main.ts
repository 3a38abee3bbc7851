import { printCliPluginMetadata, runCompose } from '../compose.ts';
import { watchOutput } from '../output.ts';

/** The program `compose.mjs`: `meridian-sidecar` for calls by Compose and Docker, without the code of the other commands. */
watchOutput();
const [first, ...rest] = process.argv.slice(2);

if (first === 'docker-cli-plugin-metadata') printCliPluginMetadata();
else process.exitCode = await runCompose(first === 'compose' ? rest : process.argv.slice(2));
