import { describe, expect, test } from 'vitest';
import { ErrorList } from '../../../src/base/user-facing-error.ts';
import { parseInvocation } from '../../../src/compose/invocation/invocation.ts';

function faultsOf(words: readonly string[]): string[] {
  try {
    parseInvocation(words);
  } catch (error) {
    if (error instanceof ErrorList)
      return error.errors.map(({ id, message, next }) => `${id}: ${message}: ${next.join(' ')}`);
    throw error;
  }
  return [];
}

describe('a call by Compose', () => {
  test.each([
    ['of 2.40 and later', ['--project-name=shop', 'up', '--tags=a', 'sidecar']],
    ['of 2.39 and before', ['--project-name', 'shop', 'up', '--tags=a', 'sidecar']],
    ['in another order', ['up', '--tags=a', 'sidecar', '--project-name=shop']],
    ['with the end of options marked', ['--project-name=shop', 'up', '--tags=a', '--', 'sidecar']],
  ])('%s is read', (_which, words) => {
    expect(parseInvocation(words)).toEqual({
      command: 'up',
      project: 'shop',
      service: 'sidecar',
      options: new Map([['tags', ['a']]]),
      ignored: [],
    });
  });

  test('keeps a list in its order, and whatever stands behind the first =', () => {
    const words = ['--project-name=p', 'up', '--publish=1:1', '--alias=x', '--publish=2:2', '--config=/a=b c$d', 's'];
    expect([...parseInvocation(words).options]).toEqual([
      ['publish', ['1:1', '2:2']],
      ['alias', ['x']],
      ['config', ['/a=b c$d']],
    ]);
  });

  test.each([
    [['up', 's'], 'compose/arguments/missing'],
    [['--project-name=p', 'up'], 'compose/arguments/missing'],
    [['--project-name=p', 'build', 's'], 'compose/arguments/command'],
    [['--project-name=p', 'up', 's', 't'], 'compose/arguments/too-many'],
    [['--project-name=../p', 'up', 's'], 'compose/arguments/name'],
    [['--project-name=p', 'up', '../s'], 'compose/arguments/name'],
    [['--project-name=p', 'up', '--env', 's'], 'compose/option/form'],
    [['--project-name=p', 'up', '--env=true', '--env=false', 's'], 'compose/option/repeated'],
    [['--project-name=p', 'up', '--=v', 's'], 'compose/option/unknown'],
    [['--project-name=p', 'up', '--weird key=1', 's'], 'compose/option/unknown'],
    [['--project-name=p', 'up', '--constructor=1', 's'], 'compose/option/unknown'],
  ])('%j is refused with %s', (words, id) => {
    expect(faultsOf(words)).toEqual([expect.stringContaining(`${id}: `)]);
  });

  test('is told of every problem at once, and of the option that was meant', () => {
    const errors = faultsOf(['up', '--poll-type=A', '--memory=1', '--memory=2']);
    expect(errors.map((fault) => fault.split(':')[0])).toEqual([
      'compose/arguments/missing',
      'compose/arguments/missing',
      'compose/option/unknown',
      'compose/option/repeated',
    ]);
    expect(errors[2]).toContain('Did you mean `pool-type`?');
  });

  test.each(['down', 'stop'] as const)('%s passes over what it does not know, and takes what is for up', (command) => {
    const { options, ignored } = parseInvocation(['--project-name=p', command, '--typo=1', '--tags=a', 's']);
    expect([[...options.keys()], ignored]).toEqual([['tags'], ['typo']]);
  });
});
