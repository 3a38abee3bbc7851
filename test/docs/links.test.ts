import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const pages = ['README.md', ...readdirSync(path.join(root, 'docs')).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
);

function read(page: string): string {
  return readFileSync(path.join(root, page), 'utf8');
}

/** What GitHub makes of the headings of a page, for links to them. */
function anchorsOf(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}

test.each(pages)('the links of %s lead to files and headings that exist', (page) => {
  for (const [link, file = '', anchor] of read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)) {
    const target = file === '' ? page : path.join(path.dirname(page), file);
    expect([link, existsSync(path.join(root, target))]).toEqual([link, true]);
    if (anchor !== undefined) expect([link, anchorsOf(target)]).toEqual([link, expect.arrayContaining([anchor])]);
  }
});

test('every page is reached from the README, or from a page that it links to', () => {
  const reached = new Set(['README.md']);
  for (const page of reached) {
    for (const [, file = ''] of read(page).matchAll(/\]\((?!https?:)([^)#\s]+\.md)/g)) {
      reached.add(path.join(path.dirname(page), file));
    }
  }
  expect(pages.filter((page) => !reached.has(page))).toEqual([]);
});
