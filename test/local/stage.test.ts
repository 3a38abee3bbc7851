import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { stage } from '../../src/local/stage.ts';
import { depsIndex } from '../../src/local/staging-layout.ts';
import { temporaryDir, writeTree } from './fixture-tree.ts';

const bash = (body: string): string => `#!/usr/bin/env bash\nset -eu\n${body}\n`;
const recordCall = (script: string): string => bash(`echo "${script} $*" >>"$CALLS"; env >"$CALLS.${script}.env"`);
const sidecarYml =
  '{"processes":[{"type":"agent","command":"agent","limits":{"memory":64},"platforms":{"cloudfoundry":{"sidecar_for":["web"]}}}]}';
const writeSidecar = bash(
  `echo '${sidecarYml}' >"$3/$4/launch.yml"; printf 'name: first\\nversion: 1.2.3\\n' >"$3/$4/config.yml"`,
);
const finalScripts = {
  'bin/finalize': bash('echo finalized'),
  'bin/release': bash('echo "default_process_types: {web: node app.js}"'),
};

interface World {
  readonly dir: string;
  readonly buildpack: (name: string, tree: Readonly<Record<string, string>>) => Promise<string>;
  readonly run: (buildpackDirs: readonly string[]) => ReturnType<typeof stage>;
  readonly out: string;
  readonly printed: () => string;
  readonly calls: () => Promise<string[]>;
}

async function world(app: Readonly<Record<string, string>> = { 'app.js': '' }): Promise<World> {
  const dir = await temporaryDir();
  const appDir = await writeTree(path.join(dir, 'app'), app);
  const out = path.join(dir, 'out');
  const calls = path.join(dir, 'calls');
  let printed = '';
  const collect = (chunk: Uint8Array): void => {
    printed += Buffer.from(chunk).toString();
  };
  return {
    dir,
    out,
    buildpack: (name, tree) => writeTree(path.join(dir, name), tree),
    run: (buildpackDirs) =>
      stage({
        appDir,
        outDir: out,
        buildpackDirs,
        env: { CALLS: calls },
        output: { stdout: collect, stderr: collect },
      }),
    printed: () => printed,
    calls: async () => (await readFile(calls, 'utf8')).trim().split('\n'),
  };
}

test('calls supply of every buildpack in order, then finalize, with the platform’s arguments', async () => {
  const { run, buildpack, calls } = await world();
  const first = await buildpack('first', { 'bin/supply': recordCall('supply') });
  const last = await buildpack('last', {
    ...finalScripts,
    'bin/supply': recordCall('supply'),
    'bin/finalize': recordCall('finalize'),
  });
  await run([first, last]);
  const made = (await calls()).map((line) => line.split(' '));
  const [work] = made.map(([, buildDir]) => path.dirname(buildDir ?? ''));
  const shape = made.map((call) =>
    call.map((word) => word.replace(work ?? '', 'WORK').replace(/[0-9a-f]{16}$/, 'HASH')),
  );
  const cache = path.join(path.dirname(work ?? ''), 'cache');
  expect(shape).toEqual([
    ['supply', 'WORK/app', path.join(cache, 'HASH'), 'WORK/contents/deps', '0'],
    ['supply', 'WORK/app', path.join(cache, 'final'), 'WORK/contents/deps', '1'],
    ['finalize', 'WORK/app', path.join(cache, 'final'), 'WORK/contents/deps', '1', 'WORK/contents/profile.d'],
  ]);
});

test('calls compile, and takes away its deps directory, when the last buildpack has no finalize', async () => {
  const { run, buildpack, calls, out } = await world();
  const last = await buildpack('last', {
    'bin/compile': recordCall('compile'),
    'bin/release': finalScripts['bin/release'],
  });
  await run([last]);
  expect((await calls())[0]).toMatch(/^compile \S+\/app \S+\/cache\/final$/);
  expect(await readdir(path.join(out, 'droplet/deps'))).toEqual([]);
});

test('the droplet holds the platform’s folders, and result.json the sidecar beside the process', async () => {
  const { run, buildpack, out } = await world({ 'app.js': 'x', '.git/HEAD': 'ref' });
  const result = await run([
    await buildpack('first', { 'bin/supply': writeSidecar }),
    await buildpack('last', finalScripts),
  ]);
  expect((await readdir(path.join(out, 'droplet'))).sort()).toEqual([
    'app',
    'deps',
    'logs',
    'profile.d',
    'staging_info.yml',
    'tmp',
  ]);
  expect(await readdir(path.join(out, 'droplet/app'))).toEqual(['app.js']);
  expect(JSON.parse(await readFile(path.join(out, 'result.json'), 'utf8'))).toEqual(result);
  expect((await readdir(out)).sort()).toEqual(['cache', 'droplet', 'result.json']);
  expect(result).toEqual({
    lifecycle_metadata: {
      buildpack_key: 'last',
      detected_buildpack: '',
      buildpacks: [
        { key: 'first', name: 'first', version: '1.2.3' },
        { key: 'last', name: '' },
      ],
    },
    process_types: { web: 'node app.js' },
    processes: [{ type: 'web', command: 'node app.js' }],
    sidecars: [{ name: 'agent', process_types: ['web'], command: 'agent', memory: 64 }],
    execution_metadata: '',
    lifecycle_type: 'buildpack',
  });
});

test('release is not asked when the last buildpack wrote a launch.yml', async () => {
  const { run, buildpack } = await world();
  const last = await buildpack('last', {
    'bin/finalize': bash('echo "processes: [{type: web, command: mine}]" >"$3/$4/launch.yml"'),
    'bin/release': bash('exit 9'),
  });
  expect((await run([last])).process_types).toEqual({ web: 'mine' });
});

test('a Procfile line named like the sidecar erases it', async () => {
  const { run, buildpack } = await world({ Procfile: 'agent: echo' });
  const result = await run([
    await buildpack('first', { 'bin/supply': writeSidecar }),
    await buildpack('last', finalScripts),
  ]);
  expect(result.sidecars).toBeUndefined();
  expect(result.process_types).toEqual({ agent: 'echo', web: 'node app.js' });
});

test('the app is never written to', async () => {
  const { run, buildpack, dir } = await world();
  await run([
    await buildpack('last', { ...finalScripts, 'bin/finalize': bash('echo x >"$1/new"; echo y >"$1/app.js"') }),
  ]);
  expect(await readdir(path.join(dir, 'app'))).toEqual(['app.js']);
  expect(await readFile(path.join(dir, 'app/app.js'), 'utf8')).toBe('');
});

test('buildpacks see the manifest’s variables and a platform’s, and none of the caller’s', async () => {
  const { run, buildpack, dir } = await world({
    'manifest.yml': 'applications:\n- name: oms\n  env: { POOL_TYPE: OMSPool, CALLS: overridden }\n',
  });
  await run([await buildpack('last', { ...finalScripts, 'bin/finalize': recordCall('finalize') })]);
  const lines = (await readFile(path.join(dir, 'calls.finalize.env'), 'utf8')).split('\n');
  const names = lines.map((line) => line.split('=')[0]).filter((name) => name && !['_', 'PWD', 'SHLVL'].includes(name));
  expect(new Set(names)).toEqual(
    new Set([
      'CALLS',
      'CF_STACK',
      'HOME',
      'LANG',
      'MEMORY_LIMIT',
      'PATH',
      'POOL_TYPE',
      'USER',
      'VCAP_APPLICATION',
      'VCAP_SERVICES',
    ]),
  );
  expect(lines).toContain('POOL_TYPE=OMSPool');
});

test('caches are kept for the buildpacks in use and deleted for others', async () => {
  const { run, buildpack, out } = await world();
  await mkdir(path.join(out, 'cache/unused'), { recursive: true });
  const last = await buildpack('last', { ...finalScripts, 'bin/finalize': bash('echo kept >>"$2/count"') });
  await run([last]);
  await run([last]);
  expect(await readdir(path.join(out, 'cache'))).toEqual(['final']);
  expect(await readFile(path.join(out, 'cache/final/count'), 'utf8')).toBe('kept\nkept\n');
});

test.each([
  [
    'supply of a first one',
    { 'bin/supply': bash('echo why; exit 3') },
    {},
    225,
    'Failed to run all supply scripts: exit status 3',
  ],
  ['finalize', {}, { 'bin/finalize': bash('echo why; exit 4') }, 223, 'Failed to run finalize script: exit status 4'],
  ['the last one’s supply', {}, { 'bin/supply': bash('echo why; exit 5') }, 223, 'Failed to compile droplet: '],
  [
    'release',
    {},
    { 'bin/release': bash('echo why >&2; exit 6') },
    224,
    'Failed to build droplet release: exit status 6',
  ],
])(
  'a failing %s ends staging as the platform does, and leaves no droplet',
  async (_what, first, last, exitCode, message) => {
    const { run, buildpack, out, printed } = await world();
    const staging = run([
      await buildpack('first', { 'bin/supply': bash('true'), ...first }),
      await buildpack('last', { ...finalScripts, ...last }),
    ]);
    await expect(staging).rejects.toMatchObject({ exitCode, message: expect.stringContaining(message) });
    expect(printed()).toContain('why');
    expect(await readdir(out)).toEqual(['cache']);
  },
);

test('a script without its mode bit is a failed supply', async () => {
  const { run, buildpack } = await world();
  const first = await buildpack('first', { 'bin/.keep': '' });
  await writeFile(path.join(first, 'bin/supply'), bash('true'), { mode: 0o644 });
  await expect(run([first, await buildpack('last', finalScripts)])).rejects.toMatchObject({ exitCode: 225 });
});

test('no buildpack at all names what the manifest asks for', async () => {
  const { run } = await world({ 'manifest.yml': 'applications: [{name: a, buildpacks: [nodejs_buildpack]}]' });
  await expect(run([])).rejects.toMatchObject({ id: 'stage/buildpack/none', exitCode: 64 });
});

test('a first buildpack without supply is refused before anything runs', async () => {
  const { run, buildpack } = await world();
  const last = await buildpack('last', finalScripts);
  await expect(run([last, last])).rejects.toMatchObject({ id: 'stage/buildpack/no-supply', exitCode: 225 });
});

test('indexes are padded from ten buildpacks on', () => {
  expect([depsIndex(0, 1), depsIndex(8, 9), depsIndex(0, 10), depsIndex(9, 10)]).toEqual(['0', '8', '00', '09']);
});
