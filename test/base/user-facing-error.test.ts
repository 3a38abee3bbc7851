import { describe, expect, test } from 'vitest';
import { ErrorList, exitCodeOf, messageOf, renderError, UserFacingError } from '../../src/base/user-facing-error.ts';

const short = new UserFacingError({ id: 'supply/args/count', found: 'supply expects 4 arguments, got 2', next: [] });
const full = new UserFacingError({
  id: 'sidecar/startup/bus-unreachable',
  found: 'Startup stopped at step 1 of 8',
  expected: '127.0.0.1:8443 refused 10 attempts in 30 s.',
  next: ['Check that the bus runs.', 'Check SIDECAR_BUS_API_URL.'],
  exitCode: 69,
  cause: new Error('14 UNAVAILABLE', { cause: new Error('connect ECONNREFUSED', { cause: 'errno 111' }) }),
});

describe('rendering', () => {
  test.each<[what: string, error: unknown, text: string[]]>([
    ['the least there is', short, ['supply expects 4 arguments, got 2  [supply/args/count]']],
    [
      'everything: causes first, the remedy and the id last',
      full,
      [
        'Startup stopped at step 1 of 8',
        'caused by: 14 UNAVAILABLE',
        'caused by: connect ECONNREFUSED',
        'caused by: errno 111',
        '127.0.0.1:8443 refused 10 attempts in 30 s.',
        '- Check that the bus runs.',
        '- Check SIDECAR_BUS_API_URL.  [sidecar/startup/bus-unreachable]',
      ],
    ],
    [
      'several errors, each with its own id',
      new ErrorList([short, short]),
      [
        'supply expects 4 arguments, got 2  [supply/args/count]',
        '',
        'supply expects 4 arguments, got 2  [supply/args/count]',
      ],
    ],
    [
      'a thrown text, which is a bug',
      'oops',
      ['oops', 'This is a bug in the Meridian sidecar; please report it with the lines above.  [bug]'],
    ],
  ])('shows %s', (_what, error, text) => {
    expect(renderError(error)).toBe(text.join('\n'));
  });

  test("shows the stack of a bug, and never that of a user's mistake", () => {
    expect(renderError(new TypeError('x is not a function'))).toMatch(
      /^TypeError: x is not a function\n +at .+\[bug\]$/s,
    );
    expect(renderError(full)).not.toMatch(/\n +at /);
  });
});

test.each<[what: string, code: number, error: unknown]>([
  ['an error with a code', 69, full],
  ['an error without one', 1, short],
  ['errors, the first of which has one,', 69, new ErrorList([full, short])],
  ['no errors at all', 1, new ErrorList([])],
  ['any other error', 1, new Error('x')],
  ['a thrown text', 1, 'x'],
  ['undefined', 1, undefined],
])('the exit code of %s is %d', (_what, code, error) => {
  expect(exitCodeOf(error)).toBe(code);
});

test('a list of errors has the messages of all', () => {
  expect(new ErrorList([short, full]).message).toBe(
    'supply expects 4 arguments, got 2; Startup stopped at step 1 of 8',
  );
});

test.each<[what: string, text: string, error: unknown]>([
  ['an error', 'broken', new Error('broken')],
  ['a thrown text', 'broken', 'broken'],
  ['undefined', 'no reason is known', undefined],
  ['an error without a text', 'no reason is known', new Error('')],
  ['an error that has a code alone', 'EPIPE', Object.assign(new Error(''), { code: 'EPIPE' })],
  ['an error of all addresses of a host', 'one; other', new AggregateError([new Error('one'), new Error('other')])],
  ['an object with a text of its own', 'an object', { toString: () => 'an object' }],
])('the message of %s is "%s"', (_what, text, error) => {
  expect(messageOf(error)).toBe(text);
});
