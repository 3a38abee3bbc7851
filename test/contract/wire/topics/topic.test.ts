import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  containsPattern,
  matchTopic,
  patternProblem,
  patternsOverlap,
  topicProblem,
} from '../../../../src/contract/wire/topics/topic.ts';

const long = (bytes: number): string => 'x'.repeat(bytes);
const segments = (count: number): string => Array.from({ length: count }, () => 's').join('.');

const malformed: [why: string, text: string, fault: RegExp][] = [
  ['the empty text', '', /^is empty$/],
  ['a leading dot', '.a', /empty segment \(1 of 2\)/],
  ['a trailing dot', 'a.', /empty segment \(2 of 2\)/],
  ['two dots in a row', 'a..b', /empty segment \(2 of 3\)/],
  ['a lone dot', '.', /empty segment/],
  ["NATS's own wildcard", 'a.>', /segment ">"/],
  ['a wildcard inside a segment', 'a.b*', /segment "b\*"/],
  ['three stars', 'a.***', /segment "\*\*\*"/],
  ['a blank', 'a. b', /segment " b"/],
  ['a line break at the end', 'a.b\n', /segment "b\\n"/],
  ['a NUL', 'a.\0', /segment "\\u0000"/],
  ['a letter outside ASCII', 'a.é', /segment "é"/],
  ['a full-width dot', 'a．b', /segment "a．b"/],
  ['a slash', 'a/b', /segment "a\/b"/],
  ['a dollar', '$SYS.a', /segment "\$SYS"/],
  ['256 bytes', long(256), /^is 256 bytes long; the limit is 255$/],
  ['129 letters of two bytes', 'é'.repeat(129), /^is 258 bytes long; the limit is 255$/],
  ['17 segments', segments(17), /^has 17 segments; the limit is 16$/],
];

describe('topic grammar', () => {
  test.each(malformed)('rejects %s as a topic and as a pattern', (_why, text, fault) => {
    expect(topicProblem(text)).toMatch(fault);
    expect(patternProblem(text)).toMatch(fault);
  });

  test.each(['a', 'A-1_b.c', segments(16), long(255), '0.-._'])('accepts %s as a topic and as a pattern', (text) => {
    expect(topicProblem(text)).toBeUndefined();
    expect(patternProblem(text)).toBeUndefined();
  });

  test.each(['*', '**', 'a.*', 'a.**', '*.b.**'])('takes %s for a pattern, which is not a topic', (text) => {
    expect(patternProblem(text)).toBeUndefined();
    expect(topicProblem(text)).toMatch(/is a pattern/);
  });

  test.each(['**.a', 'a.**.b', '**.**'])('rejects %s, where ** is not last', (text) => {
    expect(patternProblem(text)).toMatch(/`\*\*` before its last segment/);
  });
});

describe('matching', () => {
  test.each([
    ['a', 'a', true],
    ['a', 'a.b', false],
    ['a.*', 'a.b', true],
    ['a.*', 'a', false],
    ['a.*', 'a.b.c', false],
    ['a.**', 'a', false],
    ['a.**', 'a.b', true],
    ['a.**', 'a.b.c', true],
    ['**', 'a', true],
    ['*', 'a', true],
    ['*.**', 'a', false],
    ['*.b', 'a.b', true],
  ])('%s against %s: %s', (pattern, topic, expected) => {
    expect(matchTopic(pattern, topic)).toBe(expected);
  });
});

describe('containment', () => {
  test.each([
    ['a.**', 'a.*', true],
    ['a.**', 'a.b.**', true],
    ['a.**', 'a.*.**', true],
    ['a.*.**', 'a.**', false],
    ['a.**', 'a', false],
    ['a.**', '**', false],
    ['*.*', '**', false],
    ['*.*', '*.**', false],
    ['**', '**', true],
    ['**', '*.*.a', true],
    ['a.*', 'a.**', false],
    // The limit of 16 segments makes these two cover the same topics today; that is no reason to say yes.
    [`${segments(15)}.*`, `${segments(15)}.**`, false],
  ])('%s contains %s: %s', (outer, inner, expected) => {
    expect(containsPattern(outer, inner)).toBe(expected);
  });

  // Two letters in the patterns and a third that none of them names; patterns of up to 4 segments, topics of up to 6.
  const patterns = allPatterns(4);
  const topics = allTopics(6);
  const covered = new Map(patterns.map((pattern) => [pattern, topics.filter((topic) => bruteMatch(pattern, topic))]));

  test('agrees with enumeration for every pair of small patterns', () => {
    const wrong: string[] = [];
    for (const outer of patterns) {
      const outerTopics = new Set(covered.get(outer));
      for (const inner of patterns) {
        const expected = (covered.get(inner) ?? []).every((topic) => outerTopics.has(topic));
        if (containsPattern(outer, inner) !== expected) wrong.push(`${outer} over ${inner}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('patternsOverlap agrees with enumeration too, and does not mind the order', () => {
    const wrong: string[] = [];
    for (const one of patterns) {
      const oneTopics = new Set(covered.get(one));
      for (const other of patterns) {
        const expected = (covered.get(other) ?? []).some((topic) => oneTopics.has(topic));
        if (patternsOverlap(one, other) !== expected) wrong.push(`${one} and ${other}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('what contains a pattern matches every topic that the pattern matches, at any size', () => {
    const segment = fc.constantFrom('a', 'b', '*');
    const pattern = fc
      .tuple(fc.array(segment, { minLength: 1, maxLength: 15 }), fc.boolean())
      .map(([list, open]) => [...list, ...(open ? ['**'] : [])].join('.'));
    const topic = fc
      .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 16 })
      .map((list) => list.join('.'));
    fc.assert(
      fc.property(pattern, pattern, topic, (outer, inner, text) => {
        expect(matchTopic(inner, text)).toBe(bruteMatch(inner, text));
        return !(containsPattern(outer, inner) && matchTopic(inner, text)) || matchTopic(outer, text);
      }),
      { numRuns: 2_000 },
    );
  });
});

function allPatterns(depth: number): string[] {
  return sequences(['a', 'b', '*'], depth - 1)
    .flatMap((list) => [list, [...list, '**']])
    .concat([['**']])
    .map((list) => list.join('.'));
}

function allTopics(depth: number): string[] {
  return sequences(['a', 'b', 'c'], depth).map((list) => list.join('.'));
}

function sequences(letters: readonly string[], depth: number): string[][] {
  let last: string[][] = [[]];
  const all: string[][] = [];
  for (let length = 1; length <= depth; length += 1) {
    last = last.flatMap((list) => letters.map((letter) => [...list, letter]));
    all.push(...last);
  }
  return all;
}

/** The definition in other words than the code's: a pattern as a regular expression over whole segments. */
function bruteMatch(pattern: string, topic: string): boolean {
  const source = pattern
    .split('.')
    .map((segment) => (segment === '**' ? '[^.]+(?:\\.[^.]+)*' : segment === '*' ? '[^.]+' : segment))
    .join('\\.');
  return new RegExp(`^${source}$`).test(topic);
}
