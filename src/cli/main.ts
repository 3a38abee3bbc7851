import { Command, CommanderError } from 'commander';
import { version } from '../base/version.ts';
import { addAuditCommand } from './audit/audit.ts';
import { addBusCommand } from './bus.ts';
import { type AddCommand, usageExitCode } from './command.ts';
import { addCompletionCommand } from './completion/completion.ts';
import { addComposeCommand } from './compose/compose-command.ts';
import { addConformanceCommand } from './conformance.ts';
import { addDoctorCommand } from './doctor.ts';
import { addInitCommand } from './init/init.ts';
import { addLaunchCommand } from './launch.ts';
import { printError, watchOutput } from './output.ts';
import { addPackageCommand } from './package.ts';
import { addPubCommand } from './pub.ts';
import { addRequestCommand } from './request.ts';
import { addRunCommand } from './run/run.ts';
import { addStageCommand } from './stage.ts';
import { addStatusCommand } from './status.ts';
import { addSubCommand } from './sub.ts';
import { addWaitCommand } from './wait.ts';

/** The commands, in the order of the help. */
const commands: readonly AddCommand[] = [
  addInitCommand,
  addStageCommand,
  addLaunchCommand,
  addRunCommand,
  addWaitCommand,
  addStatusCommand,
  addDoctorCommand,
  addBusCommand,
  addAuditCommand,
  addPubCommand,
  addSubCommand,
  addRequestCommand,
  addConformanceCommand,
  addComposeCommand,
  addPackageCommand,
  addCompletionCommand,
];

const program = new Command('meridian-sidecar')
  .description("Puts Meridian's sidecar beside a plugin, and runs plugin, sidecar and bus.")
  .version(version)
  .showHelpAfterError('Run the same command with --help for its options.')
  // With its arguments a name may leave no room for what the command does. Its own help has them.
  .configureHelp({ subcommandTerm: (command) => command.name() })
  .exitOverride();

for (const addCommand of commands) addCommand(program);

watchOutput();

try {
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  // Commander has already printed its own message; it throws with exit code 0 for --help.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usageExitCode;
  return printError(error);
}
