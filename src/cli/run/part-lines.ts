import { styleText } from 'node:util';
import type { DevPart } from '../../local/dev-run.ts';
import type { ProcessStream } from '../../local/process-spawner.ts';

const colours = { bus: 'magenta', sidecar: 'cyan', plugin: 'green', run: 'yellow' } as const;

/** The line of one process, with its name before it, coloured where the stream shows colours. */
export function partLine(part: DevPart | 'run', line: string, stream: ProcessStream): string {
  const name = styleText(colours[part], part.padEnd('sidecar'.length), { stream: process[stream] });
  return `${name} | ${line}\n`;
}
