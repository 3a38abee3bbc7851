import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { endAll, runCli, writeTemporary } from '../sidecar/processes.ts';

afterEach(endAll);

const root = path.resolve(import.meta.dirname, '../..');

/** An app whose settings are in a file below it. */
function appFolder(manifest: string): string {
  const folder = path.dirname(writeTemporary('manifest.yml', manifest));
  writeFileSync(path.join(folder, 'Procfile'), 'web: node plugin.js\n');
  mkdirSync(path.join(folder, 'config'));
  writeFileSync(path.join(folder, 'config', 'sidecar.yml'), 'pool_type: OMSPool\noutbox: { messages: none }\n');
  return folder;
}

const manifest = `
applications:
  - name: oms
    buildpacks: [meridian-sidecar]
    memory: 64M
    env: { SIDECAR_CONFIG: config/sidecar.yml, SIDECAR_BUS_TOKEN: '((token))' }
`;

describe('meridian-sidecar doctor FOLDER', () => {
  test.each(['node-plugin', 'python-plugin'])('finds nothing wrong with fixtures/%s', async (name) => {
    const shown = runCli('doctor', path.join(root, 'fixtures', name));
    expect(await shown.exited).toBe(0);
    expect(shown.stdout).toMatch(/\nnothing wrong found\n$/);
  });

  test('finds in one pass what manifest, Procfile and configuration file hold, and exits 78', async () => {
    const shown = runCli('doctor', appFolder(manifest), '--var', 'token=very-secret', '--json');
    expect(await shown.exited).toBe(78);
    const [report] = JSON.parse(shown.stdout);
    expect(report.findings.map(({ id }: { id: string }) => id)).toEqual([
      'doctor/buildpacks/alone',
      'config/outbox-messages/not-a-count',
      'doctor/memory/too-small',
    ]);
    expect(report.settings).toContainEqual({
      name: 'POOL_TYPE',
      value: 'OMSPool',
      source: expect.stringMatching(/config\/sidecar\.yml, line 1$/),
    });
    expect(shown.output).not.toContain('very-secret');
  });

  test('takes variables from the command line', async () => {
    const shown = runCli('doctor', path.join(root, 'fixtures/node-plugin'), '--env', 'POOL_TYPE=1');
    expect(await shown.exited).toBe(78);
    expect(shown.stdout).toMatch(/^POOL_TYPE +cannot be used +command line$/m);
    expect(shown.stdout).toMatch(/^error: POOL_TYPE is "1"\n.*\n- .*\[config\/pool-type\/malformed\]\n\n1 error\n$/m);
  });

  test('exits 64 for what is no folder', async () => {
    const shown = runCli('doctor', '/proc/nowhere');
    expect(await shown.exited).toBe(64);
    expect(shown.stderr).toContain('[doctor/folder/unreadable]');
  });
});
