import { describe } from 'vitest';
import { lifecycleFacts } from './lifecycle-facts.ts';
import { limitFacts } from './limit-facts.ts';
import { streamFacts } from './stream-facts.ts';
import type { RunOnNetwork } from './test-service.ts';
import { unaryFacts } from './unary-facts.ts';

/** What every implementation of `Network` promises. */
export function describeNetwork(name: string, run: RunOnNetwork): void {
  describe(`${name}: unary calls`, () => unaryFacts(run));
  describe(`${name}: streams`, () => streamFacts(run));
  describe(`${name}: limits`, () => limitFacts(run));
  describe(`${name}: connections and listeners`, () => lifecycleFacts(run));
}
