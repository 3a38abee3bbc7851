import { version } from '../base/version.ts';
import { cliPluginMetadata, providerMetadata } from '../compose/invocation/metadata.ts';

/**
 * `meridian-sidecar compose …`. Compose asks for `metadata` before each call, so this file contains only that answer. The
 * program for everything else is a separate file, loaded when needed.
 * @returns the exit code.
 */
export async function runCompose(argv: readonly string[]): Promise<number> {
  // Compose up to 2.39 passes the project's name, which may be any word, as an argument of its own.
  const command = argv.find((word, at) => !word.startsWith('-') && argv[at - 1] !== '--project-name');
  if (command === 'metadata') {
    process.stdout.write(`${JSON.stringify(providerMetadata())}\n`);
    return 0;
  }
  const program = (await import(programUrl)) as typeof import('./compose/compose-program.ts');
  const isForPeople = command === undefined || argv.includes('--help') || peoplesCommands.includes(command);
  return await (isForPeople ? program.runPeoplesCommand(argv) : program.runProvider(argv));
}

const programUrl = new URL('compose-program.mjs', import.meta.url).href;

const peoplesCommands = ['help', 'ps', 'gc', 'snippet', 'image', 'install'];

/** The answer to the question of Docker's command line for a plugin's metadata. */
export function printCliPluginMetadata(): void {
  process.stdout.write(`${JSON.stringify(cliPluginMetadata(version))}\n`);
}
