import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { root } from './build-dir.ts';
import { composes } from './compose-programs.ts';
import { composeProject, docker } from './compose-project.ts';
import { nodePlugin } from './images.ts';

/** Nothing listens there, in no container: whatever goes by it fails. */
const proxy = 'http://127.0.0.1:9';

/** Docker's client writes these into each container: https://docs.docker.com/engine/cli/proxy/ */
const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy'];

/** A configuration of Docker's client that has proxies, beside all else that another one has. */
function configWithProxies(configDir: string): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'docker-config-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const name of readdirSync(configDir)) symlinkSync(path.join(configDir, name), path.join(directory, name));
  rmSync(path.join(directory, 'config.json'), { force: true });
  const proxies = { default: { httpProxy: proxy, httpsProxy: proxy } };
  writeFileSync(path.join(directory, 'config.json'), JSON.stringify({ proxies }));
  return directory;
}

async function expectInherited(containers: readonly string[]): Promise<void> {
  for (const name of containers) {
    const { stdout } = await docker('inspect', '--format', '{{join .Config.Env "\\n"}}', name);
    expect([name, ...stdout.split('\n')]).toEqual(expect.arrayContaining(names.map((each) => `${each}=${proxy}`)));
  }
}

describe.each(composes)("with the proxies of Docker's client, Docker Compose $version", ({ version, configDir }) => {
  const nameOf = (what: string): string => `${what}-${version.split('.')[0]}`;

  test("brings the provider's sidecar to its embedded bus directly", async () => {
    const project = composeProject({
      configDir: configWithProxies(configDir),
      name: nameOf('proxies'),
      files: [path.join(import.meta.dirname, 'one-plugin.yaml')],
    });
    await project.composed('up', '--detach');
    await project.logged(`${project.name}-plugin-1`, /^running$/m);
    await expectInherited(['plugin-1', 'sidecar-sidecar', 'meridian-bus'].map((each) => `${project.name}-${each}`));
  });

  test('brings a sidecar that is a service of its own to a Bus API beside it directly', async () => {
    const fixtures = path.join(root, 'fixtures/compose');
    const project = composeProject({
      configDir: configWithProxies(configDir),
      name: nameOf('plain-proxies'),
      directory: path.join(root, 'fixtures/node-plugin'),
      files: ['contract-example.yaml', 'bus-api.yaml'].map((file) => path.join(fixtures, file)),
    });
    await docker('tag', nodePlugin, `${project.name}-my-plugin`);
    await project.composed('up', '--detach');
    await project.logged(`${project.name}-my-plugin-1`, /^running$/m);
    await expectInherited([`${project.name}-my-plugin-1`, `${project.name}-bus-api-1`, 'sidecar-my-plugin']);
  });
});
