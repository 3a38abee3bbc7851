import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { endAll, Program, startBus, startSidecar } from '../sidecar/processes.ts';
import { examplesIn, readPage } from './examples.ts';

const page = readPage('plugin-guide.md');
const examples = examplesIn(page, 'js');

describe('each program of docs/plugin-guide.md prints what the page says', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'meridian-docs-'));
  });
  afterEach(async () => {
    await endAll();
    rmSync(directory, { recursive: true, force: true });
  });

  test('there are programs, each with its name and its output', () => {
    expect(examples.length).toBeGreaterThanOrEqual(4);
    expect(examples).toHaveLength([...page.matchAll(/^```js/gm)].length);
    expect(examples.map(({ name }) => name)).not.toContain('');
  });

  test.each(examples)('$name', async ({ name, source, output }) => {
    cpSync('dist/meridian-plugin', path.join(directory, 'node_modules/meridian-plugin'), { recursive: true });
    writeFileSync(path.join(directory, name), source);
    const bus = await startBus();
    const { address } = await startSidecar(bus.address);
    const plugin = new Program([path.join(directory, name)], { SIDECAR_ADDR: address });
    const [, whenStopped] = /onStop\(\(\) => console\.log\('(.+)'\)/.exec(source) ?? [];
    const lines = output.split('\n').filter((line) => line !== '' && line !== whenStopped);
    for (const line of lines) await plugin.seen(new RegExp(`^${line.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`, 'm'));
    plugin.signal('SIGTERM');
    expect(await plugin.exited, plugin.stderr).toBe(0);
    // A message may come before the answer to its own publish, so the order of lines is free.
    expect(plugin.stdout.split('\n').sort()).toEqual(output.split('\n').sort());
  });
});
