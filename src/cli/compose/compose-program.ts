/** The program `compose-program.mjs`, which `compose.ts` loads for everything but the provider's metadata. */
export { runPeoplesCommand } from './compose-commands.ts';
export { runProvider } from './compose-provider.ts';
