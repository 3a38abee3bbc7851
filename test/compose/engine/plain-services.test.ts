import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { root } from './build-dir.ts';
import { composes } from './compose-programs.ts';
import { type ComposeProject, composeProject, docker } from './compose-project.ts';
import { nodePlugin, sidecarImage } from './images.ts';

const fixtures = path.join(root, 'fixtures/compose');
const contractExample = path.join(fixtures, 'contract-example.yaml');
const originalExample = path.join(import.meta.dirname, 'contract-example.original.yaml');

test("the contract's own Compose example differs from its text by three edits alone", () => {
  const lines = (file: string): string[] => readFileSync(file, 'utf8').split('\n');
  const [original, ours] = [lines(originalExample), lines(contractExample)];
  expect(ours.filter((line) => !original.includes(line))).toEqual([
    `    image: ${sidecarImage}`,
    '    container_name: sidecar-my-plugin',
    'networks: {meridian: {}}',
  ]);
  expect(original.filter((line) => !ours.includes(line))).toEqual([
    '    image: gitea:3000/Societal-Lab-Inc/sidecar:0.1.0',
  ]);
});

describe.each(composes)('Docker Compose $version', ({ version, configDir }) => {
  const nameOf = (what: string): string => `${what}-${version.split('.')[0]}`;

  test("runs the contract's own example, with a Bus API beside it", async () => {
    const project = composeProject({
      configDir,
      name: nameOf('contract'),
      directory: path.join(root, 'fixtures/node-plugin'),
      files: [contractExample, path.join(fixtures, 'bus-api.yaml')],
    });
    // The example says nothing of a base, so the image is there under the name that Compose gives it.
    await docker('tag', nodePlugin, `${project.name}-my-plugin`);
    await project.composed('up', '--detach');
    await project.logged(`${project.name}-my-plugin-1`, /^received demo\.ticks from my-plugin/m);
    await project.logged(`${project.name}-my-plugin-1`, /^running$/m);
    await project.composed('stop');
    expect(await exitCodes(project, ['my-plugin-1'])).toEqual([0]);
    expect((await project.container('sidecar-my-plugin'))?.exitCode).toBe(0);
  });

  test('runs the plain-service form: ready before the plugin starts, drained before it ends', async () => {
    const project = composeProject({
      configDir,
      name: nameOf('plain'),
      files: [path.join(fixtures, 'plain-service/compose.yaml')],
    });
    await project.composed('up', '--detach', '--build');
    await project.logged(`${project.name}-quotes-1`, /^running$/m);
    await project.composed('stop');
    expect(await exitCodes(project, ['quotes-1', 'quotes-sidecar-1', 'bus-api-1'])).toEqual([0, 0, 0]);
    await project.logged(`${project.name}-quotes-1`, /^left$/m);
    await project.logged(`${project.name}-quotes-sidecar-1`, /pluginDrained=true exitCode=0/);
  });

  test('runs what `meridian-sidecar compose snippet` prints, merged with a plugin', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'snippet-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const files = ['plugin.yaml', 'snippet.yaml'].map((name) => path.join(directory, name));
    const project = composeProject({ configDir, name: nameOf('snippet'), files });
    const options = [
      '--pool-type=SignalPool',
      '--bus=embedded',
      `--policy=${path.join(root, 'fixtures/demo/policy.yml')}`,
    ];
    writeFileSync(files[0] ?? '', `services: {quotes: {image: ${nodePlugin}}}`);
    writeFileSync(files[1] ?? '', await project.provider('snippet', ...options, 'quotes'));
    await project.composed('up', '--detach');
    await project.logged(`${project.name}-quotes-1`, /^running$/m);
  });

  test('a sidecar of the plain-service form that is killed comes again, and its plugin with it', async () => {
    const project = composeProject({
      configDir,
      name: nameOf('plain-killed'),
      files: [path.join(fixtures, 'plain-service/compose.yaml')],
    });
    await project.composed('up', '--detach', '--build');
    const [plugin, sidecar] = [`${project.name}-quotes-1`, `${project.name}-quotes-sidecar-1`];
    await project.logged(plugin, /^running$/m);
    await project.kill(sidecar);
    await project.logged(sidecar, /to=RUNNING[\s\S]*sidecar starts[\s\S]*to=RUNNING/);
    expect((await project.container(plugin))?.status).toBe('running');
  });
});

function exitCodes(
  { name, container }: ComposeProject,
  containers: readonly string[],
): Promise<(number | undefined)[]> {
  return Promise.all(containers.map(async (each) => (await container(`${name}-${each}`))?.exitCode));
}
