import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { keepInput, readCorpus } from './corpus.ts';
import { CurrentInput, type FuzzReport, type FuzzRun } from './fuzz-run.ts';

const heapMiB = 256;
const hexDigits = 2_000;
/** Of what the process writes when it ends by itself. */
const errorCharacters = 4_000;

interface FuzzOptions {
  /** The target's file in `targets`, and its folder in `corpus`. */
  readonly name: string;
  /** How many mutated inputs are tried; the variable FUZZ_INPUTS overrides it. */
  readonly inputs: number;
  readonly maxBytes?: number;
  /** One input for so long is a hang. */
  readonly hangMs?: number;
  /** Where `targets` and `corpus` are, if not here. */
  readonly folder?: string;
}

/**
 * Tries the target's seeds and corpus and then mutations of them, in a process of its own. The same seed gives the same inputs; the variable FUZZ_SEED sets it.
 * @throws Error of an input that fails, hangs, takes too long or too much memory: it is kept in the corpus, and the error names its file.
 */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { name, inputs, maxBytes = 4_096, hangMs = 20_000, folder = import.meta.dirname } = options;
  const corpus = path.join(folder, 'corpus', name);
  const seed = Number(process.env['FUZZ_SEED'] ?? 1);
  const scratch = mkdtempSync(path.join(tmpdir(), 'fuzz-'));
  const run: FuzzRun = {
    module: pathToFileURL(path.join(folder, 'targets', `${name}.ts`)).href,
    seed,
    inputs: Number(process.env['FUZZ_INPUTS'] ?? inputs),
    maxBytes,
    corpus: readCorpus(corpus),
    current: path.join(scratch, 'current.bin'),
  };
  writeFileSync(run.current, '');
  try {
    using current = new CurrentInput(run.current, maxBytes);
    const report = await reportOf(run, current, hangMs);
    if (report.growth !== undefined) throw new Error(`${name}, seed ${seed}: ${report.growth}`);
    if (report.failure === undefined) return report;
    const { number, bytes } = current.read();
    if (number === 0) throw new Error(`${name}, before any input: ${report.failure}`);
    const file = path.relative('', keepInput(corpus, bytes));
    // The log may be all that is left of a run.
    const hex = Buffer.from(bytes).toString('hex').slice(0, hexDigits);
    throw new Error(`${name}: input ${number} of seed ${seed}, kept as ${file}, is ${hex}: ${report.failure}`);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

async function reportOf(run: FuzzRun, current: CurrentInput, hangMs: number): Promise<FuzzReport> {
  const child = fork(path.join(import.meta.dirname, 'fuzz-process.ts'), {
    execArgv: ['--expose-gc', `--max-old-space-size=${heapMiB}`],
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  const errors = child.stderr ? text(child.stderr) : Promise.resolve('');
  const reported = once(child, 'message').then(([report]) => report as FuzzReport);
  const exited = once(child, 'exit').then(async ([code, signal]) =>
    failed(`the process ended with ${signal ?? `exit code ${code}`}: ${(await errors).slice(0, errorCharacters)}`),
  );
  const hung = Promise.withResolvers<FuzzReport>();
  let last = -1;
  const watch = setInterval(() => {
    const { number } = current.read();
    if (number === last) hung.resolve(failed(`the input has not been read after ${hangMs / 1_000} s`));
    last = number;
  }, hangMs);
  child.send(run);
  try {
    return await Promise.race([reported, exited, hung.promise]);
  } finally {
    clearInterval(watch);
    child.kill('SIGKILL');
    await exited;
  }
}

function failed(failure: string): FuzzReport {
  return { tried: 0, outcomes: new Map(), failure };
}
