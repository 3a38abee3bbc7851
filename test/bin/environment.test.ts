import { chmodSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { depsPaths, packagePaths } from '../../src/buildpack/layout.ts';
import { runtimeVariablePattern } from '../../src/buildpack/runtime-variables.ts';
import {
  makeStagingArea,
  openDirectory,
  removeTree,
  runUnprivileged,
  type StagingArea,
  unpackLightPackage,
  unpackPackage,
  writeRuntime,
} from './staging-area.ts';

let packageDir: string;
/** The same package, with a program in supply's place that prints its environment. */
let printing: string;
let light: ReturnType<typeof unpackLightPackage>;
let area: StagingArea;
/** What an app may carry: a library that cannot be loaded, a script that ends its shell. */
let app: string;
/** Of a staged sidecar that prints its environment. */
let wrapper: string;

const printEnvironment = 'console.log("ENV", JSON.stringify(process.env));\n';

beforeAll(() => {
  packageDir = unpackPackage();
  light = unpackLightPackage();
  printing = light.packageDir;
  writeFileSync(path.join(printing, packagePaths.supply), printEnvironment);
  area = makeStagingArea();
  app = openDirectory('app');
  for (const library of ['libstdc++.so.6', 'libgcc_s.so.1']) writeFileSync(path.join(app, library), 'not a library\n');
  writeFileSync(path.join(app, 'ends.sh'), 'echo from-bash-env; exit 3\n');
  expect(supply(packageDir, {}).status).toBe(0);
  const staged = path.join(app, 'deps/0');
  cpSync(path.join(area.depsDir, '0'), staged, { recursive: true });
  writeFileSync(path.join(staged, depsPaths.sidecar), printEnvironment);
  wrapper = path.join(staged, depsPaths.wrapper);
});
afterAll(() => {
  for (const root of [packageDir, light.root, area.root, app]) removeTree(root);
});

const poolType = { POOL_TYPE: 'SignalPool' };

function supply(from: string, environment: Record<string, string>) {
  const args = [area.buildDir, area.cacheDir, area.depsDir, '0'];
  return runUnprivileged(path.join(from, 'bin/supply'), args, { ...poolType, ...environment });
}

/** The environment that a program printed. */
function printed(stdout: string): Record<string, string> {
  return JSON.parse(/^ENV (.*)$/m.exec(stdout)?.[1] ?? '{}') as Record<string, string>;
}

/** Each with a value that breaks or changes a Node that gets it; APP stands for the app's folder. */
const variables: readonly (readonly [string, string])[] = [
  ['LD_LIBRARY_PATH', 'APP'],
  ['LD_PRELOAD', 'APP/libgcc_s.so.1'],
  ['LD_AUDIT', 'APP/libgcc_s.so.1'],
  ['LD_BIND_NOW', '1'],
  ['LD_BIND_NOT', '1'],
  ['LD_DYNAMIC_WEAK', '1'],
  ['GLIBC_TUNABLES', 'glibc.malloc.perturb=7'],
  ['MALLOC_PERTURB_', '7'],
  ['MALLOC_TOP_PAD_', '100000000'],
  ['GCONV_PATH', 'APP'],
  ['LOCPATH', 'APP'],
  ['NLSPATH', 'APP/%N'],
  ['NODE_OPTIONS', '--require APP/nothing.js'],
  ['NODE_PATH', 'APP'],
  ['NODE_EXTRA_CA_CERTS', 'APP/libgcc_s.so.1'],
  ['NODE_TLS_REJECT_UNAUTHORIZED', '0'],
  ['NODE_USE_SYSTEM_CA', '1'],
  ['NODE_USE_ENV_PROXY', '1'],
  ['NODE_ICU_DATA', 'APP'],
  ['NODE_V8_COVERAGE', 'APP/coverage'],
  ['NODE_DEBUG', '*'],
  ['NODE_DEBUG_NATIVE', 'diagnostics'],
  ['NODE_COMPILE_CACHE', 'APP/cache'],
  ['NODE_REDIRECT_WARNINGS', 'APP/warnings'],
  ['NODE_PRESERVE_SYMLINKS', '1'],
  ['NODE_NO_WARNINGS', '1'],
  ['NODE_REPL_EXTERNAL_MODULE', 'APP/nothing.js'],
  ['NODE_TEST_CONTEXT', 'child'],
  ['NODE_CHANNEL_FD', '99'],
  ['NODE_UNIQUE_ID', '1'],
  ['UV_THREADPOOL_SIZE', '1024'],
  ['UV_USE_IO_URING', '1'],
  ['ICU_DATA', 'APP'],
  ['SSL_CERT_FILE', 'APP/libgcc_s.so.1'],
  ['SSL_CERT_DIR', 'APP'],
  ['SSLKEYLOGFILE', 'APP/keys'],
  ['OPENSSL_CONF', 'APP/libgcc_s.so.1'],
  ['OPENSSL_CONF_INCLUDE', 'APP'],
  ['OPENSSL_MODULES', 'APP'],
  ['OPENSSL_ENGINES', 'APP'],
  ['OPENSSL_ia32cap', '0'],
  ['GRPC_SSL_CIPHER_SUITES', 'NULL'],
  ['GRPC_DEFAULT_SSL_ROOTS_FILE_PATH', 'APP/libgcc_s.so.1'],
  ['GRPC_TRACE', 'all'],
  ['BASH_ENV', 'APP/ends.sh'],
  ['ENV', 'APP/ends.sh'],
];

describe('of the environment of an app', () => {
  test.each(variables)('%s does not reach the runtime at staging, and supply names it', (name, value) => {
    const { status, stdout } = supply(printing, { [name]: value.replace('APP', app) });
    expect(status).toBe(0);
    expect(stdout).toContain(`       The sidecar does not get from the app's environment: ${name}\n`);
    expect(printed(stdout)).toMatchObject(poolType);
    expect(printed(stdout)).not.toHaveProperty([name]);
  });

  test.each(variables)('%s does not reach the runtime of the sidecar', (name, value) => {
    const { status, stdout } = runUnprivileged(wrapper, ['run'], {
      ...poolType,
      [name]: value.replace('APP', app),
    });
    expect(status).toBe(0);
    expect(printed(stdout)).toMatchObject(poolType);
    expect(printed(stdout)).not.toHaveProperty([name]);
  });

  test('a library that cannot be loaded does not reach the runtime that ships', () => {
    const again = supply(packageDir, { LD_LIBRARY_PATH: app });
    expect(again).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining('Declaring the sidecar') });
  });

  test.each([
    ['options of bash', { SHELLOPTS: 'noexec:nounset' }],
    ['functions of bash', { 'BASH_FUNC_exec%%': '() { echo taken; }', 'BASH_FUNC_unset%%': '() { echo taken; }' }],
    ['a PATH with the bash and readlink of the app', { PATH: 'APP' }],
  ])('%s do not change how the sidecar starts', (_what, environment: Record<string, string>) => {
    for (const name of ['bash', 'readlink', 'dirname']) {
      writeFileSync(path.join(app, name), '#!/bin/sh\necho taken\nexit 3\n', { mode: 0o755 });
    }
    const given = Object.entries(environment).map(([name, value]) => [name, value.replace('APP', app)]);
    const { status, stdout } = runUnprivileged(wrapper, ['--version'], Object.fromEntries(given));
    expect([status, stdout]).toEqual([0, `${readFileSync('VERSION', 'utf8').trim()}\n`]);
  });
});

test('a plugin that is started through the wrapper gets its own environment unchanged', () => {
  const ofPlugin = {
    LD_LIBRARY_PATH: app,
    NODE_OPTIONS: '--no-such-option',
    SSL_CERT_FILE: '/etc/own.pem',
    ENV: 'a b=c',
  };
  const plugin = ['bash', '-c', 'env >"$PRINT_TO"; exit 1'];
  const printTo = path.join(app, 'of-plugin');
  writeFileSync(printTo, '');
  chmodSync(printTo, 0o666);
  const args = ['conformance', '--only', 'register', '--', ...plugin];
  runUnprivileged(wrapper, args, { ...ofPlugin, PRINT_TO: printTo });
  const lines = readFileSync(printTo, 'utf8').split('\n');
  expect(lines).toEqual(expect.arrayContaining(Object.entries(ofPlugin).map(([name, value]) => `${name}=${value}`)));
  expect(lines.filter((line) => line.startsWith('MERIDIAN_OF_CALLER_'))).toEqual([]);
});

test('supply names what it withheld beside the reason why a runtime does not start', () => {
  const broken = openDirectory('broken');
  cpSync(printing, broken, { recursive: true });
  writeRuntime(broken, '#!/bin/bash\necho "libc.so.6: not found" >&2\nexit 1\n');
  const { status, stderr } = supply(broken, { LD_LIBRARY_PATH: app, NODE_OPTIONS: '--bogus' });
  removeTree(broken);
  expect(status).toBe(78);
  expect(stderr).toMatch(/ \(started without LD_LIBRARY_PATH NODE_OPTIONS of the app\): .*libc\.so\.6: not found\n/);
});

test.each(['bin/supply', 'src/compose/image/meridian-sidecar'])('%s withholds the same variables', (file) => {
  expect(readFileSync(file, 'utf8')).toContain(`    ${runtimeVariablePattern})\n`);
});
