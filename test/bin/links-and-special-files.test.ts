import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  makeStagingArea,
  openDirectory,
  type RunResult,
  removeTree,
  runUnprivileged,
  type StagingArea,
  treeOf,
  unpackLightPackage,
} from './staging-area.ts';

let light: ReturnType<typeof unpackLightPackage>;
let area: StagingArea;
/** A folder that is not the app's, which everybody may write. */
let elsewhere: string;

beforeAll(() => {
  light = unpackLightPackage();
});
afterAll(() => removeTree(light.root));
beforeEach(() => {
  area = makeStagingArea();
  elsewhere = openDirectory('elsewhere');
  chmodSync(elsewhere, 0o777);
  writeFileSync(path.join(elsewhere, 'secret'), 's3cret: of somebody else\n', { mode: 0o666 });
  chmodSync(path.join(elsewhere, 'secret'), 0o666);
});
afterEach(() => {
  removeTree(area.root);
  removeTree(elsewhere);
});

function supply(environment: Record<string, string> = {}): RunResult {
  const args = [area.buildDir, area.cacheDir, area.depsDir, '1'];
  return runUnprivileged(path.join(light.packageDir, 'bin/supply'), args, { POOL_TYPE: 'SignalPool', ...environment });
}

const inApp = (name: string): string => path.join(area.buildDir, name);
const inDeps = (name: string): string => path.join(area.depsDir, name);
const secret = (): string => path.join(elsewhere, 'secret');
const script = '.profile.d/meridian-sidecar.sh';

/** Each makes something at a path that is no file, or none of the app. */
const spoilers: Readonly<Record<string, (file: string) => void>> = {
  'a link to a file elsewhere': (file) => symlinkSync(secret(), file),
  'a link with dots to a file elsewhere': (file) => symlinkSync(path.relative(path.dirname(file), secret()), file),
  'a link to /etc/shadow': (file) => symlinkSync('/etc/shadow', file),
  'a link to a device': (file) => symlinkSync('/dev/zero', file),
  'a link to itself': (file) => symlinkSync(path.basename(file), file),
  'a folder': (file) => mkdirSync(file),
  'a FIFO': (file) => execFileSync('mkfifo', ['-m', '666', file]),
  'a file of 4 GiB': (file) => {
    writeFileSync(file, '', { mode: 0o666 });
    truncateSync(file, 4 * 2 ** 30);
  },
};
const cases = Object.entries(spoilers).map(([what, spoil]) => [what, spoil] as const);

/** Supply names that path, shows nothing of any content, and changes nothing outside. */
function expectRefusal({ status, stdout, stderr }: RunResult, named: string): void {
  expect([64, 78]).toContain(status);
  expect(stderr).toContain(named);
  expect(stderr).toMatch(/\[supply\/files\/(?:unfit|refused|taken)\]|\[supply\/args\/deps-dir\]/);
  expect(`${stdout}${stderr}`).not.toMatch(/s3cret|root:|somebody|\[bug\]| {4}at /);
  expect(treeOf(elsewhere)).toEqual({ secret: 's3cret: of somebody else\n' });
  expect(existsSync(inDeps('1/launch.yml'))).toBe(false);
}

describe('what an app brings in the place of a file that supply reads', () => {
  test.each(cases)('is refused when the Procfile is %s', (_what, spoil) => {
    spoil(inApp('Procfile'));
    expectRefusal(supply(), inApp('Procfile'));
  });

  test.each(cases)('is refused when SIDECAR_CONFIG names %s', (_what, spoil) => {
    spoil(inApp('sidecar.yml'));
    expectRefusal(supply({ SIDECAR_CONFIG: 'sidecar.yml' }), inApp('sidecar.yml'));
  });

  test.each(cases)('is refused when launch.yml of an earlier buildpack is %s', (_what, spoil) => {
    spoil(inDeps('0/launch.yml'));
    expectRefusal(supply(), inDeps('0/launch.yml'));
  });

  test('is refused when SIDECAR_CONFIG climbs out of the app', () => {
    const name = path.relative(area.buildDir, secret());
    expectRefusal(supply({ SIDECAR_CONFIG: name }), secret());
  });

  test('is refused when a folder on the way to it is a link out of the app', () => {
    symlinkSync(elsewhere, inApp('config'));
    expectRefusal(supply({ SIDECAR_CONFIG: 'config/secret' }), inApp('config/secret'));
  });

  test.each([
    ['Procfile/sidecar.yml', 'a part of its path is not a folder'],
    ['circle', 'its links lead in a circle'],
    ['x'.repeat(300), 'its name is too long'],
    ['.', 'it is a folder, not a file'],
  ])('is refused with the reason when SIDECAR_CONFIG is %.20s', (name, reason) => {
    writeFileSync(inApp('Procfile'), 'web: x\n');
    symlinkSync('circle', inApp('circle'));
    const result = supply({ SIDECAR_CONFIG: name });
    expectRefusal(result, `${path.join(area.buildDir, name)}: ${reason}`);
    expect(result.stderr).toContain('[supply/files/unfit]');
  });

  test('is read through links within the app', () => {
    mkdirSync(inApp('config'));
    writeFileSync(inApp('config/real.yml'), 'pool_type: QuotePool\n');
    symlinkSync('config', inApp('current'));
    symlinkSync('current/real.yml', inApp('sidecar.yml'));
    expect(supply({ SIDECAR_CONFIG: 'sidecar.yml', POOL_TYPE: '' })).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('what is in the place of a file that supply writes', () => {
  test.each(cases)('is left alone when the profile script is %s', (_what, spoil) => {
    spoil(inApp(script));
    expectRefusal(supply(), inApp(script));
  });

  test('is left alone when it is a link to a file of the app', () => {
    writeFileSync(inApp('run.sh'), 'exec node plugin.js\n', { mode: 0o666 });
    symlinkSync('../run.sh', inApp(script));
    expectRefusal(supply(), script);
    expect(readFileSync(inApp('run.sh'), 'utf8')).toBe('exec node plugin.js\n');
  });

  test('is left alone when it is a file of the app', () => {
    writeFileSync(inApp(script), 'export OWN=1\n', { mode: 0o666 });
    expectRefusal(supply(), script);
    expect(readFileSync(inApp(script), 'utf8')).toBe('export OWN=1\n');
  });

  test.each([
    ['a link out of the app', () => symlinkSync(elsewhere, inApp('.profile.d'))],
    ['a link within the app', () => symlinkSync('.', inApp('.profile.d'))],
    ['a link to nothing', () => symlinkSync(path.join(elsewhere, 'new'), inApp('.profile.d'))],
    ['a file', () => writeFileSync(inApp('.profile.d'), '')],
  ])('is left alone when .profile.d is %s', (_what, spoil) => {
    rmSync(inApp('.profile.d'), { recursive: true });
    spoil();
    expectRefusal(supply(), inApp('.profile.d'));
  });

  test('keeps its second name elsewhere when supply ran before', () => {
    expect(supply().status).toBe(0);
    const written = readFileSync(inApp(script), 'utf8');
    linkSync(inApp(script), path.join(elsewhere, 'second-name'));
    expect(supply().status).toBe(0);
    expect(readFileSync(path.join(elsewhere, 'second-name'), 'utf8')).toBe(written);
  });

  test.each([
    ['1', '', () => elsewhere],
    ['1/meridian', '1', () => elsewhere],
    ['1/bin', '1', () => elsewhere],
    ['1/bin/meridian-sidecar', '1/bin', secret],
    ['1/launch.yml', '1', () => path.join(elsewhere, 'launch.yml')],
  ])('is left alone when deps/%s is a link', (name, parent, target) => {
    mkdirSync(inDeps(parent), { recursive: true });
    for (const folder of ['1', '1/bin']) if (existsSync(inDeps(folder))) chmodSync(inDeps(folder), 0o777);
    symlinkSync(target(), inDeps(name));
    expectRefusal(supply(), name === '1' ? inDeps('1/meridian') : inDeps(name));
  });

  test.each(['node', 'node.partial', 'node.partial.download'])(
    'is replaced when deps/1/meridian/%s is a link',
    (name) => {
      mkdirSync(inDeps('1/meridian'), { recursive: true });
      for (const folder of ['1', '1/meridian']) chmodSync(inDeps(folder), 0o777);
      symlinkSync(elsewhere, inDeps(`1/meridian/${name}`));
      expect(supply()).toMatchObject({ status: 0, stderr: '' });
      expect(treeOf(elsewhere)).toEqual({ secret: 's3cret: of somebody else\n' });
    },
  );
});
