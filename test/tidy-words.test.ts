import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { root, sourcesIn } from './tidy-sources.ts';

/** Idioms that a newcomer has to guess at; docs/glossary.md has the words to use. */
const banned =
  /\b(?:in hand|under way|hand(?:s|ed|ing)? (?:it |them )?back|put away|comes? again|for want of|newer start|without a word|from (?:here|now|then) on|lets? go|stands? against|the one of now|whoever|(?<!there )is no (?!longer\b)[a-z]+)\b/gi;

/** One line, so that an idiom is found where it wraps. */
function found(file: string, prose: string): string[] {
  return [...prose.replaceAll(/\s*\n[\s/*]*/g, ' ').matchAll(banned)].map(([idiom]) => `${file}: ${idiom}`);
}

const comment = /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm;

test('comments in src use plain words', () => {
  const idioms = sourcesIn('src').flatMap(({ file, text }) =>
    [...text.matchAll(comment)].flatMap(([each]) => found(file, each)),
  );
  expect(idioms).toEqual([]);
});

/** What a person may read, and what only a program does. */
const literal = /'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`/g;

test('texts in src use plain words: errors, log lines, help and metrics', () => {
  const idioms = sourcesIn('src').flatMap(({ file, code }) =>
    [...code.matchAll(literal)].flatMap(([, quoted = '', template = '']) => found(file, quoted || template)),
  );
  expect(idioms).toEqual([]);
});

test('README and docs use plain words', () => {
  const pages = ['README.md', ...readdirSync(path.join(root, 'docs')).map((name) => `docs/${name}`)];
  const idioms = pages
    .filter((page) => page.endsWith('.md'))
    .flatMap((page) => found(page, readFileSync(path.join(root, page), 'utf8')));
  expect(idioms).toEqual([]);
});
