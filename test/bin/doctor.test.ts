import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeStagingArea, removeTree, runUnprivileged, type StagingArea, unpackPackage } from './staging-area.ts';

let packageDir: string;
let area: StagingArea;

beforeAll(() => {
  packageDir = unpackPackage();
  area = makeStagingArea();
  const { buildDir, cacheDir, depsDir } = area;
  const staged = runUnprivileged(path.join(packageDir, 'bin/supply'), [buildDir, cacheDir, depsDir, '0'], {
    POOL_TYPE: 'SignalPool',
  });
  expect(staged.status).toBe(0);
});
afterAll(() => {
  removeTree(packageDir);
  removeTree(area.root);
});

function doctor(environment: Record<string, string>) {
  const instance = { application_name: 'quotes', space_name: 'dev', process_type: 'web', instance_index: 0 };
  return runUnprivileged(path.join(area.depsDir, '0/bin/meridian-sidecar'), ['doctor', '--offline'], {
    DEPS_DIR: area.depsDir,
    MEMORY_LIMIT: '128m',
    VCAP_APPLICATION: JSON.stringify(instance),
    POOL_TYPE: 'SignalPool',
    ...environment,
  });
}

test("a droplet's own doctor runs on its private runtime, as a user that is not root, and finds the droplet sound", () => {
  const { status, stdout } = doctor({});
  expect(stdout).toMatch(/^this container: application quotes, process web, instance 0$/m);
  expect(stdout).toMatch(/^INSTANCE_ID +quotes-0 +default$/m);
  expect(stdout).toMatch(/\nnothing wrong found\n$/);
  expect(status).toBe(0);
});

test('it tells a credential that this user may not read', () => {
  const file = path.join(area.root, 'token');
  writeFileSync(file, 'secret-token');
  chmodSync(file, 0);
  const { status, stdout } = doctor({ SIDECAR_BUS_TOKEN_FILE: file });
  expect(stdout).toMatch(/^error: The token cannot be read from .*EACCES/m);
  expect(status).toBe(78);
});
