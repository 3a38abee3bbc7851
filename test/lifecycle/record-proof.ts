import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, inject } from 'vitest';
import type { Proof } from './proof-table.ts';

// The outermost describe() names the fixture, or else the folder; the rest of the title is the fact.
afterEach(({ task }) => {
  if (task.result?.state === 'fail') return;
  const titles = [task.name];
  for (let { suite } = task; suite?.name; suite = suite.suite) titles.unshift(suite.name);
  if (titles.length === 1) titles.unshift(path.basename(path.dirname(task.file.name)));
  const [fixture = '', ...fact] = titles;
  const proof: Proof = { fixture, fact: fact.join(' ') };
  appendFileSync(inject('lifecycle').proofFile, `${JSON.stringify(proof)}\n`);
});
