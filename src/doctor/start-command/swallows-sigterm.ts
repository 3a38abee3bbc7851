import { type Finding, warningOf } from '../finding.ts';

/** The warning for a command that does not forward SIGTERM to the plugin. */
export function swallowsSigterm(command: string, loss: string, next: readonly string[]): Finding {
  return warningOf({
    id: 'doctor/start-command/swallows-sigterm',
    found: `${command} does not pass SIGTERM on to the plugin: ${loss}`,
    expected: 'The plugin is then killed without its onStop, whenever it is stopped.',
    next,
  });
}
