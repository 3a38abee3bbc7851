import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { runInShell, type ShellLines, signalShell } from './shell-lines.ts';
import { ownLoopback } from './sidecar/own-loopback.ts';

const root = path.resolve(import.meta.dirname, '..');
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
const shellCommands = [...readme.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = '']) =>
  block.trim().split('\n'),
);

/** Run by every clone, and by .ci/run as steps of their own: running them from here would run this test again. */
const runByCi = ['npm ci && npm run demo', 'npm ci && npm test', 'npm run -s build'];
/** Run by test/lifecycle/pipeline.test.ts: it takes longer than everything here together. */
const runByLifecycle = ['npm ci && npm run package'];
const commandsToRun = shellCommands.filter((command) => ![...runByCi, ...runByLifecycle].includes(command));

/** Where the commands write what is not of this checkout. */
const directory = mkdtempSync(path.join(tmpdir(), 'meridian-readme-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) await signalShell(child, 'SIGTERM');
});

function run(command: string, variables: Readonly<Record<string, string>> = {}): ShellLines {
  const shell = runInShell(command, { cwd: root, env: { ...process.env, ...variables } });
  children.push(shell.child);
  return shell;
}

/** The one command of the README that begins with this; addresses are replaced, since others may have the usual ones. */
function commandOf(name: string): string {
  const found = commandsToRun.filter((command) => command.includes(`meridian-sidecar -- ${name} `));
  expect(found, name).toHaveLength(1);
  return (found[0] ?? '').replaceAll('127.0.0.1', ownLoopback);
}

/** Writes the file that the README prints under this name, and returns its path. */
function printedFile(name: string): string {
  const [, text = ''] = new RegExp(`^\`\`\`yaml ${name}\\n(.*?)^\`\`\``, 'ms').exec(readme) ?? [];
  expect(text).not.toBe('');
  const file = path.join(directory, name);
  writeFileSync(file, text);
  return file;
}

async function succeeds(command: string, variables?: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const { exit, lines } = run(command, variables);
  expect(await exit, lines.join('\n')).toBe(0);
  return lines;
}

describe('the commands of the README', () => {
  test('are these, each run below, by CI or by another test', () => {
    expect(commandsToRun).toEqual([
      expect.stringContaining('meridian-sidecar -- doctor '),
      expect.stringContaining('meridian-sidecar -- run --dev-bus --watch -- '),
      expect.stringContaining('meridian-sidecar -- stage '),
      expect.stringContaining('meridian-sidecar -- bus --policy fixtures/demo/policy.yml '),
      expect.stringContaining('meridian-sidecar -- launch '),
      expect.stringContaining('meridian-sidecar -- conformance '),
      expect.stringContaining('meridian-sidecar -- compose install'),
      expect.stringContaining('meridian-sidecar -- bus --policy policy.yml '),
      expect.stringContaining('meridian-sidecar -- bus grants approve '),
      expect.stringContaining('meridian-sidecar -- status '),
    ]);
    expect(shellCommands).toEqual(expect.arrayContaining([...runByCi, ...runByLifecycle]));
  });

  test('stage, bus and launch run the plugin as the README prints it, and status shows it', async () => {
    const addresses = `--env SIDECAR_ADDR=${ownLoopback}:9191 --env SIDECAR_HEALTH_ADDR=${ownLoopback}:9192`;
    await succeeds(commandOf('stage'));
    await run(commandOf('bus --policy fixtures/demo/policy.yml')).line(/bus listens/);
    const launched = run(`${commandOf('launch')} ${addresses}`);
    const [, output = ''] = /^```text\n(.*?)^```/ms.exec(readme) ?? [];
    for (const line of output.trim().split('\n')) {
      await launched.line(new RegExp(`\\] ${line.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`));
    }
    expect(await succeeds(commandOf('status'))).toContainEqual(expect.stringContaining('RUNNING'));
  });

  test('run starts the plugin with a sidecar and a bus', async () => {
    const { line } = run(commandOf('run'), { SIDECAR_ADDR: '127.0.0.1:0' });
    await line(/^plugin {2}\| running$/);
  });

  test('conformance tests the plugin, which passes', async () => {
    expect(await succeeds(commandOf('conformance'))).toContain('14 passed, 0 failed, 1 not applicable');
  });

  test('a grant is approved at a bus with a policy and an SQLite file', async () => {
    const [, policy = ''] =
      /^```yaml\n(deployment: .*?)^```/ms.exec(readFileSync(path.join(root, 'docs/access.md'), 'utf8')) ?? [];
    writeFileSync(path.join(directory, 'policy.yml'), policy.replace('admins: [ops]', 'admins: ["*"]'));
    const bus = commandOf('bus --policy policy.yml')
      .replace('policy.yml', path.join(directory, 'policy.yml'))
      .replace('bus.sqlite', path.join(directory, 'bus.sqlite'))
      .replace(' :8443', ` ${ownLoopback}:8444`);
    await run(bus).line(/bus listens/);
    await succeeds(commandOf('bus grants approve').replace(':8443', ':8444'));
  });

  test('doctor finds nothing wrong in the app and in the files that the README prints', async () => {
    const doctor = commandOf('doctor');
    printedFile('manifest.yml');
    const [app, printed, compose] = await Promise.all([
      succeeds(doctor),
      succeeds(doctor.replace('fixtures/node-plugin', directory)),
      succeeds(doctor.replace('fixtures/node-plugin', printedFile('compose.yaml'))),
    ]);
    for (const lines of [app, printed, compose]) expect(lines.at(-1)).toBe('nothing wrong found');
  });

  test('compose install puts the provider where Docker looks for it', async () => {
    await succeeds(`${commandsToRun.find((command) => command.includes('compose install'))}`, {
      DOCKER_CONFIG: directory,
    });
    expect(existsSync(path.join(directory, 'cli-plugins/docker-meridian-sidecar'))).toBe(true);
  });
});

describe('what the README names', () => {
  test('scripts of npm are those of package.json', () => {
    const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { scripts: object };
    const named = [...readme.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, name = '']) => name);
    // The last two are of the plugin that `init` makes.
    expect([...Object.keys(scripts), 'dev', 'conformance']).toEqual(expect.arrayContaining(named));
  });

  test('files and folders of the checkout exist', () => {
    const named = [...readme.matchAll(/(?:src|fixtures)\/[\w./-]+/g)].map(([name]) => name.replace(/\.$/, ''));
    for (const name of named) expect([name, existsSync(path.join(root, name))]).toEqual([name, true]);
  });

  test('the version is that of the package', () => {
    const version = readFileSync(path.join(root, 'VERSION'), 'utf8').trim();
    expect(readme).toContain(`build/meridian-sidecar_buildpack-cached-v${version}.zip`);
    expect(readme).toContain(`version ${version}`);
  });
});
