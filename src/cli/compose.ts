import { version } from '../base/version.ts';
import { cliPluginMetadata, providerMetadata } from '../compose/metadata.ts';

/**
 * `meridian-sidecar compose …`: `metadata`, which Compose asks for before each call, loads nothing but its answer; all else
 * is loaded when it is called.
 * @returns the exit code.
 */
export async function runCompose(argv: readonly string[]): Promise<number> {
  const command = argv.find((word) => !word.startsWith('-'));
  if (command === 'metadata') {
    process.stdout.write(`${JSON.stringify(providerMetadata())}\n`);
    return 0;
  }
  if (argv.length === 0 || argv.includes('--help') || command === undefined || peoplesCommands.includes(command)) {
    const { runPeoplesCommand } = await import('./compose-commands.ts');
    return await runPeoplesCommand(argv);
  }
  const { runProvider } = await import('./compose-provider.ts');
  return await runProvider(argv);
}

const peoplesCommands = ['ps', 'gc', 'snippet', 'image', 'install'];

/** What Docker's command line asks a plugin of its for. */
export function printCliPluginMetadata(): void {
  process.stdout.write(`${JSON.stringify(cliPluginMetadata(version))}\n`);
}
