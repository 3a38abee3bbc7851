import { expect, test } from 'vitest';
import { createLog } from '../../../src/base/log/log.ts';
import { logError } from '../../../src/base/log/log-error.ts';
import { ErrorList, UserFacingError } from '../../../src/base/user-facing-error.ts';

const fault = (id: string): UserFacingError =>
  new UserFacingError({ id, found: 'a\nb', expected: 'c', next: ['Do d.', 'Do e.'], cause: new Error('f') });

function logged(error: unknown): unknown[] {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  logError(createLog({ level: 'error', format: 'json', write, wallTimeNs: () => 0n }), error);
  return lines.map((line) => JSON.parse(line) as unknown);
}

test('an error for a person is one line with its parts', () => {
  const parts = { id: 'x/y/z', expected: 'c', next: 'Do d. Do e.', caused_by: 'f' };
  expect(logged(fault('x/y/z'))).toEqual([
    { time: '1970-01-01T00:00:00.000Z', level: 'error', message: 'a\nb', ...parts },
  ]);
});

test('every error of a list is a line', () => {
  expect(logged(new ErrorList([fault('x/y/one'), fault('x/y/two')]))).toMatchObject([
    { id: 'x/y/one' },
    { id: 'x/y/two' },
  ]);
});

test('only our own bug shows its stack', () => {
  expect(logged(new Error('broken'))).toEqual([
    expect.objectContaining({
      message: 'broken',
      bug: true,
      stack: expect.stringContaining('log-error.test.ts') as string,
    }),
  ]);
  expect(logged('thrown text')).toMatchObject([{ message: 'thrown text', bug: true }]);
});
