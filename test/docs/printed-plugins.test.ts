import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endAll, runCli } from '../sidecar/processes.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** The programs for Node on the pages that show a plugin, each with the tests that it has nothing to show for. */
const printed = [
  { page: 'README.md', index: 0, name: 'readme.mjs', lacks: ['group-handover', 'state-save-load'] },
  { page: 'docs/plugin-guide.md', index: 0, name: 'quotes.mjs', lacks: ['group-handover', 'state-save-load'] },
  {
    page: 'docs/plugin-guide.md',
    index: 1,
    name: 'fills.mjs',
    lacks: ['group-handover', 'state-save-load', 'subscribe-and-receive'],
  },
  {
    page: 'docs/plugin-guide.md',
    index: 2,
    name: 'positions.mjs',
    lacks: ['group-handover'],
    message: 'platform.oms.fills=100',
  },
  { page: 'docs/plugin-guide.md', index: 3, name: 'accounts.mjs', lacks: ['state-save-load'] },
  {
    page: 'docs/plugin-guide.md',
    index: 4,
    name: 'sums.mjs',
    lacks: [
      ...['acl-enforcement', 'dedup-key', 'dual-timestamps', 'group-handover'],
      ...['publish-envelope', 'state-save-load', 'subscribe-and-receive'],
    ],
  },
] as const;

function programsIn(page: string): string[] {
  const text = readFileSync(path.join(root, page), 'utf8');
  return [...text.matchAll(/^```js(?: [^\n]*)?\n(.*?)^```/gms)].map(([, source = '']) => source);
}

describe.concurrent('a plugin that the docs print', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'meridian-printed-'));
    const client = path.join(directory, 'node_modules/meridian-plugin');
    cpSync(path.join(root, 'dist/meridian-plugin'), client, { recursive: true });
  });
  afterAll(async () => {
    await endAll();
    rmSync(directory, { recursive: true, force: true });
  });

  test('is in this list', () => {
    const docs = readdirSync(path.join(root, 'docs')).filter((name) => name.endsWith('.md'));
    for (const page of ['README.md', ...docs.map((name) => `docs/${name}`)]) {
      expect(printed.filter((each) => each.page === page)).toHaveLength(programsIn(page).length);
    }
  });

  test.each(printed)('$name of $page passes every conformance test that it can', async (program) => {
    const file = path.join(directory, program.name);
    writeFileSync(file, programsIn(program.page)[program.index] ?? '');
    const message = 'message' in program ? ['--message', program.message] : [];
    const judging = runCli('conformance', ...message, '--json', '--', process.execPath, file);
    await judging.exited;
    const tests: { id: string; outcome: string }[] = JSON.parse(judging.stdout).tests;
    const idsThat = (outcome: string) => tests.filter((each) => each.outcome === outcome).map(({ id }) => id);
    expect(idsThat('failed'), judging.output).toEqual([]);
    expect(idsThat('not applicable').sort(), judging.output).toEqual([...program.lacks].sort());
  });
});
