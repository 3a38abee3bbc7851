import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { readPage } from './examples.ts';

const root = path.resolve(import.meta.dirname, '../..');
const page = readPage('kubernetes.md');
const [bus = '', plugin = ''] = ['bus', 'plugin'].map((name) =>
  readFileSync(path.join(root, `fixtures/kubernetes/${name}.yaml`), 'utf8'),
);

describe('docs/kubernetes.md', () => {
  test('builds and pushes the images that the manifests name, from folders that are there', () => {
    const images = new Set([...`${bus}${plugin}`.matchAll(/image: (\S+)/g)].map(([, image]) => image));
    const builds = [...page.matchAll(/^docker build -t (\S+) (\S+)$/gm)];
    expect(new Set(builds.map(([, image]) => image))).toEqual(images);
    for (const [, , context = ''] of builds) expect(existsSync(path.join(root, context, 'Dockerfile'))).toBe(true);
    expect(new Set([...page.matchAll(/^docker push (\S+)$/gm)].map(([, image]) => image))).toEqual(images);
  });

  test('applies the manifests', () => {
    const [, files = ''] = /^kubectl apply (.+)$/m.exec(page) ?? [];
    const named = [...files.matchAll(/-f (\S+)/g)].map(([, file]) => file);
    expect(named).toEqual(['fixtures/kubernetes/bus.yaml', 'fixtures/kubernetes/plugin.yaml']);
  });

  test("makes the policy's entry from the token of the Secret", () => {
    const [command = ''] = /^printf .+$/m.exec(page) ?? [];
    const [sum = ''] = execFileSync('bash', ['-c', command], { encoding: 'utf8' }).split(' ');
    expect(sum).toMatch(/^[0-9a-f]{64}$/);
    expect(bus).toContain(`${sum}: quotes`);
    expect(plugin).toContain(`bus-token: ${command.split(' ')[2]}`);
  });
});
