import { version } from '../base/version.ts';
import { cliPluginMetadata, providerMetadata } from '../compose/invocation/metadata.ts';

/**
 * `meridian-sidecar compose …`: `metadata`, which Compose asks for before each call, needs nothing but its answer; the program
 * for all else lies beside this one, so that it costs nothing here.
 * @returns the exit code.
 */
export async function runCompose(argv: readonly string[]): Promise<number> {
  // Compose up to 2.39 writes the project's name, which may be any word, in a word of its own.
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

/** What Docker's command line asks a plugin of its for. */
export function printCliPluginMetadata(): void {
  process.stdout.write(`${JSON.stringify(cliPluginMetadata(version))}\n`);
}
