import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packClient } from '../../../src/packager/client/client-package.ts';
import type { MadePackage } from '../../../src/packager/made-package.ts';
import { requiredNode } from '../../../src/packager/required-node.ts';
import { clientDeclarations, testingDeclarations } from '../../docs/generated/plugin-api-page.ts';
import { endAll, Program, startBus, startSidecar } from '../../sidecar/processes.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const version = readFileSync(path.join(root, 'VERSION'), 'utf8').trim();
const sample = readFileSync(path.join(import.meta.dirname, 'every-call.ts.txt'), 'utf8');
const testSample = readFileSync(path.join(import.meta.dirname, 'every-test-call.ts.txt'), 'utf8');
const declared = clientDeclarations();
const ofKit = testingDeclarations();
const every = [...declared, ...ofKit];
const moduleOf = (name: string): string =>
  ofKit.some((each) => each.name === name) ? 'meridian-plugin/testing' : 'meridian-plugin';

let made: MadePackage;
/** The folder of an author's app, with the package installed by npm. */
let app: string;
beforeAll(async () => {
  app = mkdtempSync(path.join(tmpdir(), 'meridian-client-'));
  made = await packClient({ root, version, outDir: path.join(app, 'packed') });
  writeFileSync(path.join(app, 'package.json'), '{ "name": "app", "private": true, "type": "module" }');
  const options = ['--offline', '--no-audit', '--no-fund'];
  execFileSync('npm', ['install', ...options, `./packed/meridian-plugin-${version}.tgz`], { cwd: app });
  writeFileSync(path.join(app, 'every-call.ts'), sample);
  writeFileSync(path.join(app, 'every-test-call.ts'), testSample);
});
afterAll(async () => {
  await endAll();
  rmSync(app, { recursive: true, force: true });
});

const installed = (name: string): string => readFileSync(path.join(app, 'node_modules/meridian-plugin', name), 'utf8');

describe('the package for plugins', () => {
  test('has the code of client and test kit, their declarations and what npm shows, with fixed owners, modes and times', () => {
    const listed = execFileSync('tar', ['--utc', '--numeric-owner', '-tvzf', made.path], { encoding: 'utf8' });
    const code = ['meridian-plugin.d.mts', 'meridian-plugin.mjs', 'package.json', 'testing.d.mts', 'testing.mjs'];
    const files = ['LICENSE', 'README.md', ...code];
    const lines = listed.trim().split('\n');
    expect(lines.map((line) => line.split(/\s+/).at(-1))).toEqual(files.map((name) => `package/${name}`));
    for (const line of lines) expect(line).toMatch(/^-rw-r--r-- 0\/0 +\d+ 1985-10-26 08:15 /);
  });

  // What every project installs.
  test('weighs at most 300 KiB', () => {
    expect(made.sizeBytes).toBeLessThanOrEqual(300 * 1024);
  });

  test('says nothing of when or on which system it was packed', () => {
    const header = readFileSync(made.path).subarray(0, 10);
    expect([...header.subarray(0, 9)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2]);
    expect(header[9]).toBe(255);
  });

  test('is an ES module with types, for the Node that its code needs, and depends on nothing', () => {
    const manifest = JSON.parse(installed('package.json'));
    expect(manifest).toMatchObject({ name: 'meridian-plugin', version, type: 'module', license: 'Apache-2.0' });
    expect(manifest.engines).toEqual({ node: `>=${requiredNode.clientExactly}` });
    for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies', 'scripts', 'bin'])
      expect(manifest).not.toHaveProperty(kind);
    expect(installed('meridian-plugin.mjs')).not.toMatch(/^import .* from '(?!node:)/m);
    const imported = [...installed('testing.mjs').matchAll(/\bimport ?\{[^}]*\} ?from ?["']([^"']+)/g)];
    expect(new Set(imported.map(([, from]) => from))).toEqual(new Set(['node:module', './meridian-plugin.mjs']));
    expect(installed('README.md')).toContain(`npm install ./meridian-plugin-${version}.tgz`);
  });

  test('is what the fixture of a plugin has installed', () => {
    const fixture = path.join(root, 'fixtures/node-plugin');
    const { dependencies } = JSON.parse(readFileSync(path.join(fixture, 'package.json'), 'utf8'));
    expect(dependencies).toEqual({ 'meridian-plugin': version });
    for (const name of ['package.json', 'meridian-plugin.mjs', 'meridian-plugin.d.mts', 'testing.mjs']) {
      expect(readFileSync(path.join(fixture, 'node_modules/meridian-plugin', name), 'utf8')).toBe(installed(name));
    }
  });
});

describe('the declarations', () => {
  test('export the API, and show two names behind it', () => {
    expect(declared.filter(({ isExported }) => !isExported).map(({ name }) => name)).toEqual([
      'statusCodes',
      'Metadata',
    ]);
    const text = installed('meridian-plugin.d.mts');
    expect(text).not.toMatch(/^import |@internal|Scheduler|Network/m);
    expect(ofKit.filter(({ isExported }) => !isExported)).toEqual([]);
    const kit = installed('testing.d.mts');
    expect(kit).not.toMatch(/@internal|Scheduler|Network|Sidecar\b/);
    expect(kit.match(/^import .*/gm)).toEqual(["import type { Log, Message, Plugin } from './meridian-plugin.mjs';"]);
  });

  test('say something of every name, call and option', () => {
    const silent = every.flatMap(({ name, doc, members }) => [
      ...(doc === '' ? [name] : []),
      ...members.filter((each) => each.doc === '' && each.name !== 'name').map((each) => `${name}.${each.name}`),
    ]);
    expect(silent).toEqual([]);
    expect(declared.flatMap(({ members }) => members).length).toBeGreaterThan(60);
  });

  test('say the default of every option that may be absent', () => {
    const options = every
      .filter(({ name }) => name.endsWith('Options') || name === 'Grants')
      .flatMap(({ members }) => members);
    const optional = options.filter(({ type }) => type.endsWith('?'));
    expect(optional.length).toBeGreaterThan(15);
    expect(optional.filter(({ doc }) => !/absent/i.test(doc)).map(({ name }) => name)).toEqual([]);
  });
});

/** Type-checks files of the app by themselves: without types of Node, and the declarations too. Returns what is wrong. */
function problemsOf(files: readonly string[], settings: object): string[] {
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
    target: 'es2024',
    lib: ['es2024'],
    types: [],
    ...settings,
  };
  writeFileSync(path.join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  const compiler = path.join(root, 'node_modules/typescript/bin/tsc');
  const { stdout } = spawnSync(process.execPath, [compiler, '-p', app, '--pretty', 'false'], {
    cwd: app,
    encoding: 'utf8',
  });
  return stdout.split('\n').filter((line) => line.includes('error TS'));
}

const nodenext = { module: 'nodenext' };

describe('a plugin in TypeScript', () => {
  test.each([
    ['Node', nodenext],
    ['a bundler', { module: 'esnext', moduleResolution: 'bundler' }],
  ])('that uses every call and option is correct for %s', (_, settings) => {
    expect(problemsOf(['every-call.ts', 'every-test-call.ts'], settings)).toEqual([]);
  });

  test.each([
    ['client', declared, sample],
    ['test kit', ofKit, testSample],
  ])('that uses every call and option of the %s leaves none out', (_, all, sample) => {
    const names = all
      .filter(({ isExported }) => isExported)
      .flatMap(({ name, members }) => [name, ...members.map((each) => each.name)]);
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(sample))).toEqual([]);
  });

  test('with the wrong name of any option is refused', () => {
    const wrong = every
      .filter(({ name }) => name.endsWith('Options') || name === 'Grants')
      .flatMap(({ name, members }) => members.map((member) => ({ options: name, option: member.name })));
    const files = wrong.map(({ options, option }, index) => {
      const file = `wrong-${index}.ts`;
      const others = options === 'SubscribeOptions' && option !== 'name' ? "name: 'a', " : '';
      const code = `import type { ${options} } from '${moduleOf(options)}';\nexport const given: Partial<${options}> = { ${others}${option}x: undefined };\n`;
      writeFileSync(path.join(app, file), code);
      return file;
    });
    const problems = problemsOf(files, nodenext);
    expect(files.length).toBeGreaterThan(20);
    expect(problems).toHaveLength(files.length);
    for (const [index, file] of files.entries()) {
      expect(problems).toContainEqual(
        expect.stringMatching(new RegExp(`^${file}\\(2,\\d+\\): error TS(?:2353|2561): .*'${wrong[index]?.option}x'`)),
      );
    }
  });

  test('with a wrong option in a call is refused', () => {
    const call = `import { connect } from 'meridian-plugin';
      const plugin = await connect({ adress: 'a:1' });
      await plugin.publish('a.b', Uint8Array.of(1), { dedupkey: 'a' });
      await plugin.subscribe('a.b', { durable: 'a' }, () => {});
      await plugin.publish('a.b', 'text');\nexport {};\n`;
    writeFileSync(path.join(app, 'calls.ts'), call);
    expect(problemsOf(['calls.ts'], nodenext).map((line) => /^calls\.ts\((\d)/.exec(line)?.[1])).toEqual([
      '2',
      '3',
      '4',
      '5',
    ]);
  });
});

test('the installed package does every call against a real sidecar and bus', async () => {
  const bus = await startBus();
  const { address } = await startSidecar(bus.address);
  const plugin = new Program([path.join(app, 'every-call.ts'), address]);
  expect(await plugin.exited, plugin.output).toBe(0);
  expect(plugin.stdout.trim().split('\n')).toEqual([
    'identity: oms-1 test-deployment OMSPool 0 platform.oms.**,platform.ask.* platform.oms.**,platform.data.*',
    'publish: accepted, duplicate: false, id: true',
    'publish: accepted, duplicate: true, id: true',
    'publish: refused: no publish grant for platform.data.eod; the nearest is platform.oms.**',
    'message: orders true false 1 platform.oms.orders 1,2,3 application/octet-stream true',
    'message: oms-1 conversation-1 cause-1 account-7 1.2.3 1700000000000000000n true',
    'message: true vendor=1',
    'state: 1,2,3',
    'request: 42 bytes',
    expect.stringMatching(/^log: subscription ended: /),
    'error: INVALID_ARGUMENT 0 true',
    'stopping: all was called',
  ]);
});

test("the installed package's test kit does every call, on virtual time and on real sockets", async () => {
  const kit = new Program([path.join(app, 'every-test-call.ts')]);
  expect(await kit.exited, kit.output).toBe(0);
  const told = (time: string): string[] => [
    `${time}: quotes-0 QuotePool 1 subscribe grant`,
    `${time}: demo.out by quotes-0, saved: 42`,
    `${time}: an error of the kit is an error of the client: true`,
    `${time}: refused after the grants were replaced`,
    `${time}: published while the bus was away: accepted`,
    `${time}: stopped with 0, at once: true`,
    `${time}: nothing on demo.none`,
  ];
  expect(kit.stdout.trim().split('\n')).toEqual([...told('virtual'), ...told('real'), 'log: true']);
});

test('the code alone and its declarations beside it are enough without npm', async () => {
  const bus = await startBus();
  const { address } = await startSidecar(bus.address);
  for (const name of ['meridian-plugin.mjs', 'meridian-plugin.d.mts'])
    copyFileSync(path.join(root, 'dist/meridian-plugin', name), path.join(app, name));
  writeFileSync(path.join(app, 'copied.ts'), sample.replace("from 'meridian-plugin'", "from './meridian-plugin.mjs'"));
  expect(problemsOf(['copied.ts'], nodenext)).toEqual([]);
  const plugin = new Program([path.join(app, 'copied.ts'), address]);
  expect(await plugin.exited, plugin.output).toBe(0);
});
