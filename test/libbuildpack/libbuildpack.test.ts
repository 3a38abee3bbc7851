import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
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
  removeTree(checkout);
}, 120_000);
afterAll(() => removeTree(packages));

test("libbuildpack's own code reads, installs from and repacks the packages", () => {
  const env = { ...process.env, MERIDIAN_PACKAGES: packages };
  const result = spawnSync('go', ['test', '-mod=readonly', '-count=1', './...'], {
    cwd: import.meta.dirname,
    env,
    encoding: 'utf8',
  });
  expect(result, `${result.stdout}${result.stderr}`).toMatchObject({ status: 0 });
});
