import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** What became of one attack. */
export interface Result {
  readonly attack: string;
  readonly target: string;
  /** `served`, or how it ended. */
  readonly outcome: string;
  readonly peakBytes: number;
  readonly limitBytes: number;
  /** Absent when the honest client was not served to the end. */
  readonly slowest?: { readonly ms: number; readonly what: string };
}

const folder = path.resolve(import.meta.dirname, '../../build/hostile');
const headings = ['attack', 'target', 'outcome', 'peak memory', "honest client's slowest answer"];

/** Prints the results as a Markdown table and writes it into build/hostile, with the numbers as JSON beside it. */
export function reportResults(results: readonly Result[]): void {
  const table = [headings, headings.map(() => '---'), ...results.map(cellsOf)]
    .map((cells) => `| ${cells.join(' | ')} |\n`)
    .join('');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'table.md'), table);
  writeFileSync(path.join(folder, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  process.stdout.write(`\n${table}\n`);
}

function cellsOf({ attack, target, outcome, peakBytes, limitBytes, slowest }: Result): string[] {
  const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20);
  return [
    attack,
    target,
    outcome,
    `${mebibytes(peakBytes)} of ${mebibytes(limitBytes)} MiB`,
    slowest ? `${slowest.ms} ms (${slowest.what})` : '–',
  ];
}
