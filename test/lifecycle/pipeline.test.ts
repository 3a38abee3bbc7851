import { execFile } from 'node:child_process';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { parseAppManifest } from '../../src/local/app-manifest.ts';
import { removeTree } from '../bin/staging-area.ts';
import { copyCheckout } from '../packager/checkout.ts';
import { openNetwork, packedDropletImage, startBus, startInstance } from './platform.ts';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');

interface DropletApp {
  readonly command: string;
  readonly memory: string;
  readonly buildpacks?: unknown;
  readonly sidecars: readonly { name: string; process_types: string[]; command: string; memory: string }[];
}

/** What docs/pipeline.md has its reader run, but for the installation. */
function pipeline(): string {
  const page = readFileSync(path.join(root, 'docs/pipeline.md'), 'utf8');
  const [, block = ''] = /^```sh\n(.*?)^```/ms.exec(page) ?? [];
  return block.replace(/^npm ci\n/, '');
}

describe('pipeline', () => {
  test('packs droplet and manifest, whose commands the launcher runs until plugin and sidecar have talked', async () => {
    const checkout = copyCheckout();
    onTestFinished(() => removeTree(checkout));
    cpSync(path.join(root, 'fixtures'), path.join(checkout, 'fixtures'), { recursive: true });
    await run('bash', ['-euo', 'pipefail', '-c', pipeline()], { cwd: checkout });
    const at = (name: string): string => path.join(checkout, 'build', name);
    expect(existsSync(at('node-plugin/result.json'))).toBe(true);

    const text = readFileSync(at('node-plugin.yml'), 'utf8');
    const [app] = (parse(text) as { applications: [DropletApp] }).applications;
    expect(app).toMatchObject({ command: 'node plugin.js', memory: '384M', sidecars: [{ memory: '128M' }] });
    expect(app.buildpacks).toBeUndefined();

    const network = await openNetwork();
    await startBus(network);
    const instance = await startInstance({
      image: await packedDropletImage(at('node-plugin.tgz')),
      network,
      manifest: parseAppManifest(text, 'node-plugin'),
      command: app.command,
      sidecars: app.sidecars.map(({ memory, ...sidecar }) => ({ ...sidecar, memory: Number.parseInt(memory, 10) })),
    });
    await instance.line(/^web: running$/);
    expect(Object.fromEntries(await instance.stop())).toEqual({ web: 0, 'meridian-sidecar': 0 });
  });
});
