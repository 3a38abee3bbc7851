import { asMapping, commandsInProcfile } from '../../buildpack/procfile.ts';
import type { CloudApp } from '../app/cloud-manifest.ts';
import type { Finding } from '../finding.ts';
import { type Scripts, signalLoss } from './signal-loss.ts';
import { swallowsSigterm } from './swallows-sigterm.ts';

export interface StartSources {
  readonly app: CloudApp;
  /** The texts of the app's Procfile and package.json, if it has them. */
  readonly procfile: string | undefined;
  readonly packageJson: string | undefined;
  /** The process types that have a sidecar. */
  readonly sidecarFor: readonly string[];
}

/** Finds start commands that do not forward SIGTERM to the plugin, which is then killed without its `onStop`. */
export function findSwallowedSignals({ app, procfile, packageJson, sidecarFor }: StartSources): Finding[] {
  const inProcfile = commandsInProcfile(procfile ?? '');
  const scripts = scriptsIn(packageJson);
  return sidecarFor.flatMap((type) => {
    const ofManifest = app.processes.find((each) => each.type === type)?.command;
    const command = ofManifest ?? inProcfile[type] ?? defaultCommand(type, app, scripts);
    const loss = command === undefined ? undefined : signalLoss(command, scripts);
    return command === undefined || loss === undefined ? [] : [swallowed(type, command, loss)];
  });
}

/** By default nodejs_buildpack starts the app by its `start` script. */
function defaultCommand(type: string, { buildpacks }: CloudApp, scripts: Scripts): string | undefined {
  const isNode = buildpacks.length === 0 || buildpacks.at(-1)?.includes('nodejs') === true;
  return type === 'web' && isNode && scripts['start'] !== undefined ? 'npm start' : undefined;
}

function scriptsIn(packageJson = ''): Scripts {
  const { scripts } = asMapping(packageJson);
  const entries = typeof scripts === 'object' && scripts !== null ? Object.entries(scripts) : [];
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

function swallowed(type: string, command: string, loss: string): Finding {
  return swallowsSigterm(`The start command of ${type}, \`${command}\`,`, loss, [
    'Start the program itself, such as `web: node plugin.js` in a Procfile or `command: node plugin.js` in manifest.yml.',
    'Or write `exec` before the program, in the command and in a script of package.json alike.',
  ]);
}
