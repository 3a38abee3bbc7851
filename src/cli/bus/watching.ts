import type { Command } from 'commander';
import { realScheduler } from '../../base/time/real-scheduler.ts';
import { sleep } from '../../base/time/scheduler.ts';
import { interruption, writeOut } from '../shell/interruption.ts';

/** Adds `--watch` to a command that lists. */
export function withWatchFlag(command: Command): Command {
  return command.option('--watch', 'ask again every two seconds and show each answer, until interrupted', false);
}

const everyMs = 2_000;
/** Moves a terminal's cursor to the corner and clears what follows. */
const clearScreen = '\u001b[H\u001b[J';

/** Prints what `text` resolves with: once, or again and again until the command is interrupted or its reader is gone. */
export async function printAnswers(isWatching: boolean, text: () => Promise<string>): Promise<void> {
  if (!isWatching) {
    process.stdout.write(await text());
    return;
  }
  const stop = interruption();
  while (!stop.aborted) {
    const answer = await text();
    await writeOut(process.stdout.isTTY ? `${clearScreen}${answer}` : answer, stop);
    await sleep(realScheduler, everyMs, stop);
  }
}
