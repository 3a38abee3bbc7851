import { spawnSync } from 'node:child_process';
import { mkdtempSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { removeTree } from '../bin/staging-area.ts';
import { copyCheckout, makePackages, unzip } from '../packager/checkout.ts';

const packages = mkdtempSync(path.join(tmpdir(), 'packages-'));
const wanted = {
  'any-cached': [],
  'any-uncached': ['--uncached'],
  'cflinuxfs4-cached': ['--stack', 'cflinuxfs4'],
};

beforeAll(() => {
  const checkout = copyCheckout();
  for (const [name, args] of Object.entries(wanted)) {
    const [made] = makePackages(checkout, args);
    unzip(made?.path ?? '', path.join(packages, name));
  }
  // As a clone has it, but for what is installed.
  removeTree(path.join(checkout, 'dist'));
  renameSync(checkout, path.join(packages, 'checkout'));
});
afterAll(() => removeTree(packages));

test("libbuildpack's own code reads, installs from and repacks the packages, and makes its own", () => {
  const env = { ...process.env, MERIDIAN_PACKAGES: packages };
  const result = spawnSync('go', ['test', '-mod=readonly', '-count=1', './...'], {
    cwd: import.meta.dirname,
    env,
    encoding: 'utf8',
  });
  expect(result, `${result.stdout}${result.stderr}`).toMatchObject({ status: 0 });
});
