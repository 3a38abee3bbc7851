import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { corpusOf, keepInput } from './corpus.ts';
import { CurrentInput, type FuzzReport, type FuzzRun } from './fuzz-run.ts';

/** One input for so long is a hang. */
const hangMs = 20_000;
const heapMiB = 256;

interface FuzzOptions {
  /** The target's file in `targets`, and its folder in `corpus`. */
  readonly name: string;
  /** How many mutated inputs are tried; the variable FUZZ_INPUTS overrides it. */
  readonly inputs: number;
  readonly maxBytes?: number;
}

/**
 * Tries the target's seeds and corpus and then mutations of them, in a thread of its own. The same seed gives the same inputs; the variable FUZZ_SEED sets it.
 * @throws Error of an input that fails, hangs, takes too long or too much memory: it is kept in the corpus, and the error names its file.
 */
export async function fuzz({ name, inputs, maxBytes = 4_096 }: FuzzOptions): Promise<FuzzReport> {
  const seed = Number(process.env['FUZZ_SEED'] ?? 1);
  const memory = CurrentInput.memoryFor(maxBytes);
  const current = new CurrentInput(memory);
  const run: FuzzRun = {
    module: pathToFileURL(path.join(import.meta.dirname, 'targets', `${name}.ts`)).href,
    seed,
    inputs: Number(process.env['FUZZ_INPUTS'] ?? inputs),
    maxBytes,
    corpus: corpusOf(name),
    current: memory,
  };
  const report = await reportOf(run, current);
  if (report.growth !== undefined) throw new Error(`${name}, seed ${seed}: ${report.growth}`);
  if (report.failure === undefined) return report;
  if (current.number === 0) throw new Error(`${name}, before any input: ${report.failure}`);
  const file = path.relative('', keepInput(name, current.bytes));
  throw new Error(`${name}: input ${current.number} of seed ${seed}, kept as ${file}: ${report.failure}`);
}

async function reportOf(run: FuzzRun, current: CurrentInput): Promise<FuzzReport> {
  const worker = new Worker(new URL('fuzz-worker.ts', import.meta.url), {
    workerData: run,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: heapMiB },
  });
  const ended = Promise.withResolvers<FuzzReport>();
  const fail = (failure: string): void => ended.resolve({ tried: current.number, outcomes: new Map(), failure });
  let last = -1;
  const watch = setInterval(() => {
    if (current.number === last) fail(`the input has not been read after ${hangMs / 1_000} s`);
    last = current.number;
  }, hangMs);
  worker.once('message', ended.resolve);
  worker.once('error', (error: unknown) =>
    fail(error instanceof Error ? (error.stack ?? error.message) : String(error)),
  );
  worker.once('exit', (code) => fail(`the thread ended with exit code ${code}`));
  try {
    return await ended.promise;
  } finally {
    clearInterval(watch);
    await worker.terminate();
  }
}
