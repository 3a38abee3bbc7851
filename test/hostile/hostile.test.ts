import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { messageOf } from '../../src/base/user-facing-error.ts';
import { endAll } from '../sidecar/processes.ts';
import type { Attack, Scene } from './attack.ts';
import type { HonestVerdict } from './honest-client.ts';
import { type Result, reportResults } from './results-table.ts';
import { startScene } from './scene.ts';

const folder = path.join(import.meta.dirname, 'attacks');
const modules = readdirSync(folder)
  .sort()
  .map((file) => import(path.join(folder, file)) as Promise<{ readonly attacks: readonly Attack[] }>);
const attacks = (await Promise.all(modules)).flatMap((module) => module.attacks);

const results: Result[] = [];
afterAll(() => reportResults(results));

test('docs/reliability.md has a row for each attack', () => {
  const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/reliability.md'), 'utf8');
  const missing = attacks
    .map(({ name, target }) => `| ${name} | ${target} | served |`)
    .filter((row) => !page.includes(row));
  expect(missing).toEqual([]);
});

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  await endAll();
});

// A title of `describe.each` would be cut short.
for (const attack of attacks) {
  test(`${attack.name}: the ${attack.target} lives, and an honest client beside it is served and loses nothing`, async () => {
    const scene = await startScene(attack, cleanUps);
    const { grouped } = scene[attack.target];
    const ended = grouped.program.exited.then((how) => {
      const last = grouped.program.output.slice(-2_000);
      throw new Error(`the ${attack.target} ended with ${how}, killed: ${grouped.group.kills}\n${last}`);
    });
    ended.catch(() => {});
    let outcome = 'served';
    let verdict: HonestVerdict | undefined;
    try {
      verdict = await Promise.race([serveDuring(attack, scene), ended]);
    } catch (error) {
      outcome = messageOf(error).split('\n', 1).join();
      throw error;
    } finally {
      results.push({
        ...{ attack: attack.name, target: attack.target, outcome },
        ...{ peakBytes: grouped.residentPeakBytes, limitBytes: grouped.group.limitBytes },
        ...(verdict && { slowest: { ms: verdict.slowestMs, what: verdict.slowest } }),
      });
    }
    expect(verdict.lost).toBe(0);
    expect(grouped.group.kills).toBe(0);
  });
}

async function serveDuring(attack: Attack, scene: Scene): Promise<HonestVerdict> {
  await scene.honest.rounds(1);
  await attack.run(scene);
  return scene.honest.finish();
}
