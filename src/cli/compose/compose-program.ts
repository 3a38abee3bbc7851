/** The program `compose-program.mjs`, which `compose.ts` loads for everything except the provider's metadata. */
export { runPeoplesCommand } from './compose-commands.ts';
export { runProvider } from './compose-provider.ts';
