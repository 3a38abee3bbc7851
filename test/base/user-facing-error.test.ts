import { describe, expect, test } from 'vitest';
import { exitCodeOf, FaultList, messageOf, renderError, UserFacingError } from '../../src/base/user-facing-error.ts';

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
      'several faults, each with its own id',
      new FaultList([short, short]),
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

test.each<[what: string, error: unknown, code: number]>([
  ['an error with a code', full, 69],
  ['an error without one', short, 1],
  ['faults, by the first', new FaultList([full, short]), 69],
  ['no faults at all', new FaultList([]), 1],
  ['any other error', new Error('x'), 1],
  ['a thrown text', 'x', 1],
  ['undefined', undefined, 1],
])('the exit code of %s', (_what, error, code) => {
  expect(exitCodeOf(error)).toBe(code);
});

test('a list of faults has the messages of all', () => {
  expect(new FaultList([short, full]).message).toBe(
    'supply expects 4 arguments, got 2; Startup stopped at step 1 of 8',
  );
});

test.each<[error: unknown, text: string]>([
  [new Error('broken'), 'broken'],
  ['broken', 'broken'],
  [undefined, 'undefined'],
  [{ toString: () => 'an object' }, 'an object'],
])('the message of %o', (error, text) => {
  expect(messageOf(error)).toBe(text);
});
