import { once } from 'node:events';
import { randomBelow, seededRandom } from '../../src/base/random.ts';
import { CurrentInput, type FuzzReport, type FuzzRun } from './fuzz-run.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { mutate } from './mutate.ts';

/** What any input of a few kilobytes may take. What takes longer once may have waited for the processor, so the fastest of some runs counts. */
const slowMs = 100;
const slowRuns = 4;

/** What the heap may gain from an early input to the last one. */
const growthBytes = 8 * 1_024 * 1_024;
/** By then code is compiled and tables are built. */
const warmUpPart = 0.2;

/** Inputs with an outcome of their own. */
const poolInputs = 512;

const [run] = (await once(process, 'message')) as [FuzzRun];
const { target } = (await import(run.module)) as { readonly target: FuzzTarget };
// It waits to be ended, so that the report is read first.
process.channel?.ref();
process.send?.(await tryAll());

async function tryAll(): Promise<FuzzReport> {
  const random = seededRandom(run.seed);
  using current = new CurrentInput(run.current, run.maxBytes);
  const outcomes = new Map<string, number>();
  const pool: Uint8Array[] = [...target.seeds, ...run.corpus].map((input) => input.slice(0, run.maxBytes));
  const known = pool.length;
  const warmUp = known + Math.floor(run.inputs * warmUpPart);
  let heapBytes = 0;
  const pick = (): Uint8Array => pool[randomBelow(random, pool.length)] ?? new Uint8Array(0);
  for (let tried = 0; tried < known + run.inputs; tried++) {
    if (tried === warmUp) heapBytes = heapUsed();
    const input = tried < known ? (pool[tried] ?? pick()) : mutate(pick(), pick(), random, run.maxBytes);
    current.write(input);
    try {
      const outcome = await timed(input);
      const times = outcomes.get(outcome) ?? 0;
      outcomes.set(outcome, times + 1);
      if (times === 0 && pool.length < known + poolInputs) pool.push(input);
    } catch (error) {
      return { tried, outcomes, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
  }
  const grown = heapUsed() - heapBytes;
  const tried = known + run.inputs;
  if (grown <= growthBytes) return { tried, outcomes };
  return { tried, outcomes, growth: `the heap has grown by ${grown} bytes over ${tried - warmUp} inputs` };
}

async function timed(input: Uint8Array): Promise<string> {
  const { outcome, tookMs } = await timedOnce(input);
  let fastestMs = tookMs;
  for (let left = slowRuns; left > 0 && fastestMs > slowMs; left--) {
    fastestMs = Math.min(fastestMs, (await timedOnce(input)).tookMs);
  }
  if (fastestMs > slowMs) throw new Error(`the input takes ${Math.round(fastestMs)} ms; ${slowMs} ms are allowed`);
  return outcome;
}

async function timedOnce(input: Uint8Array): Promise<{ readonly outcome: string; readonly tookMs: number }> {
  const startMs = performance.now();
  const result = target.run(input);
  const outcome = typeof result === 'string' ? result : await result;
  return { outcome, tookMs: performance.now() - startMs };
}

function heapUsed(): number {
  global.gc?.();
  global.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
