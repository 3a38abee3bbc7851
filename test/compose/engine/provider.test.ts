import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { root } from './build-dir.ts';
import { composes } from './compose-programs.ts';
import { type ComposeProject, composeProject, docker } from './compose-project.ts';

const fixture = (name: string): string => path.join(root, 'fixtures/compose', name, 'compose.yaml');
const onePlugin = path.join(import.meta.dirname, 'one-plugin.yaml');
/** The plugin has sent, received, called, saved. */
const running = /^running$/m;

describe.each(composes)('Docker Compose $version', ({ version, isNew, configDir }) => {
  const nameOf = (what: string): string => `${what}-${version.split('.')[0]}`;
  const projectOf = (what: string, environment: Record<string, string> = {}): ComposeProject =>
    composeProject({ configDir, name: nameOf(what), files: [onePlugin], environment });

  /** The same project, as it is after its file was edited. */
  async function upOne(project: ComposeProject): Promise<Record<'owner' | 'sidecar' | 'bus' | 'plugin', string>> {
    await project.composed('up', '--detach');
    await project.logged(`${project.name}-plugin-1`, running);
    const id = async (name: string): Promise<string> => (await project.container(`${project.name}-${name}`))?.id ?? '';
    const [owner, sidecar, bus, plugin] = await Promise.all([
      id('sidecar-1'),
      id('sidecar-sidecar'),
      id('meridian-bus'),
      id('plugin-1'),
    ]);
    return { owner, sidecar, bus, plugin };
  }

  test('brings two plugins that talk through one embedded bus, and takes everything away, twice', async () => {
    const project = composeProject({ configDir, name: nameOf('two'), files: [fixture('two-plugins')] });
    const { name } = project;
    await project.composed('up', '--detach', '--build');
    // Each sends once it listens, so at least one of them hears the other.
    await Promise.race([
      project.logged(`${name}-quotes-1`, /^received demo\.ticks from orders/m),
      project.logged(`${name}-orders-1`, /^received demo\.ticks from quotes/m),
    ]);
    for (const plugin of ['quotes', 'orders']) await project.logged(`${name}-${plugin}-1`, running);
    const ours = [
      'quotes_sidecar-1',
      'quotes_sidecar-sidecar',
      'orders_sidecar-1',
      'orders_sidecar-sidecar',
      'meridian-bus',
    ];
    expect(await project.containers()).toEqual(
      [...ours, 'quotes-1', 'orders-1'].map((each) => `${name}-${each}`).sort(),
    );
    await project.composed('down');
    expect(await project.containers()).toEqual([]);
    await project.composed('down');
  });

  test('brings the bus of a project whose name leaves no room for another word in a host name', async () => {
    const name = `${nameOf('long')}-${'x'.repeat(45)}`;
    expect(name.length).toBe(52);
    const project = composeProject({ configDir, name, files: [onePlugin] });
    await project.composed('up', '--detach');
    await project.logged(`${name}-plugin-1`, running);
    await project.composed('down');
    expect(await project.containers()).toEqual([]);
  });

  test('gives dependents the address of the sidecar and the generation of the network', async () => {
    const project = projectOf('variables');
    const { owner, plugin } = await upOne(project);
    const { stdout } = await docker('inspect', '--format', '{{join .Config.Env "\\n"}}', plugin);
    expect(stdout).toContain('SIDECAR_ADDR=127.0.0.1:9191');
    expect(stdout).toContain(`SIDECAR_GENERATION=${owner}`);
  });

  test(`up again creates nothing anew${isNew ? ', but the plugin, as this Compose does with all that got variables' : ''}`, async () => {
    const project = projectOf('again');
    const before = await upOne(project);
    const after = await upOne(project);
    expect({ ...after, plugin: '' }).toEqual({ ...before, plugin: '' });
    expect(after.plugin === before.plugin).toBe(!isNew);
  });

  test('up again with `env: false` creates nothing anew', async () => {
    const project = projectOf('quiet', { ENV: 'false' });
    const before = await upOne(project);
    expect(await upOne(project)).toEqual(before);
  });

  test('a changed option replaces the sidecar under a plugin that goes on', async () => {
    const project = projectOf('changed', { ENV: 'false' });
    const before = await upOne(project);
    const changed = projectOf('changed', { ENV: 'false', TAGS: 'second' });
    const after = await upOne(changed);
    expect(after).toEqual({ ...before, sidecar: expect.not.stringMatching(before.sidecar) });
    await project.logged(`${project.name}-sidecar-sidecar`, /to=RUNNING/);
    const { stdout } = await docker('inspect', '--format', '{{join .Config.Env "\\n"}}', after.sidecar);
    expect(stdout).toContain('TAGS=second');
  });

  test('a sidecar that is killed comes again, in the same network, and the plugin finds it', async () => {
    const project = projectOf('killed');
    const { sidecar, plugin } = await upOne(project);
    await project.kill(sidecar);
    await project.logged(sidecar, /to=RUNNING[\s\S]*sidecar starts[\s\S]*to=RUNNING/);
    expect(await project.container(plugin)).toMatchObject({ status: 'running' });
  });

  test('stop drains the plugin through a sidecar that lives, and both end with 0', async () => {
    const project = projectOf('stop');
    const before = await upOne(project);
    await project.composed('stop');
    await project.logged(before.plugin, /^left$/m);
    await project.logged(before.sidecar, /pluginDrained=true exitCode=0/);
    const [plugin, sidecar] = await Promise.all([project.container(before.plugin), project.container(before.sidecar)]);
    expect([plugin?.exitCode, sidecar?.exitCode]).toEqual([0, 0]);
    expect(Date.parse(plugin?.finishedAt ?? '')).toBeLessThan(Date.parse(sidecar?.finishedAt ?? ''));
    const after = await upOne(project);
    expect({ ...after, plugin: '' }).toEqual({ ...before, plugin: '' });
  });

  test('down without a file leaves what gc removes', async () => {
    const project = projectOf('forgotten');
    await upOne(project);
    await project.withoutFile('down');
    expect((await project.containers()).filter((name) => name.endsWith('-plugin-1'))).toEqual([]);
    await project.provider('gc', '--older-than', '0s', project.name);
    expect(await project.containers()).toEqual([]);
    const networks = await docker(
      'network',
      'ls',
      '--quiet',
      '--filter',
      `label=com.docker.compose.project=${project.name}`,
    );
    expect(networks.stdout).toBe('');
  });

  test('a sidecar that cannot start ends the command with its reason, and leaves nothing', async () => {
    const project = composeProject({ configDir, name: nameOf('failing'), files: [fixture('failing')] });
    const { exitCode, stderr } = await project.compose('up', '--detach', '--build');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/127\.0\.0\.1:8443 cannot be reached.*\[compose\/sidecar\/ended\]\sLog: .*\s*$/);
    // Docker Compose 5.6 may still create what depends on a provider that failed; it does not start it.
    const plugin = `${project.name}-plugin-1`;
    expect((await project.containers()).filter((name) => !isNew || name !== plugin)).toEqual([]);
    expect((await project.container(plugin))?.status ?? 'created').toBe('created');
  });

  const first = isNew ? 'does not reach the provider' : 'fails before there is a network';
  test(`a dry run ${first}, and later changes nothing`, async () => {
    const project = projectOf('dry');
    const tried = await project.compose('--dry-run', 'up', '--detach');
    const failed = { exitCode: 1, stderr: expect.stringContaining('[compose/network/missing]') };
    expect(tried).toMatchObject(isNew ? { exitCode: 0 } : failed);
    expect(await project.containers()).toEqual([]);
    const before = await upOne(project);
    await project.compose('--dry-run', 'up', '--detach');
    expect({ ...(await upOne(project)), plugin: '' }).toEqual({ ...before, plugin: '' });
  });

  test('finds the provider on the PATH, too', async () => {
    const bareConfig = mkdtempSync(path.join(tmpdir(), 'docker-config-'));
    onTestFinished(() => rmSync(bareConfig, { recursive: true }));
    mkdirSync(path.join(bareConfig, 'cli-plugins'));
    symlinkSync(
      path.join(configDir, 'cli-plugins/docker-compose'),
      path.join(bareConfig, 'cli-plugins/docker-compose'),
    );
    await upOne(composeProject({ configDir: bareConfig, name: nameOf('path'), files: [onePlugin] }));
  });
});
