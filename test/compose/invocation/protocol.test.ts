import { describe, expect, test } from 'vitest';
import { ErrorList, UserFacingError } from '../../../src/base/user-facing-error.ts';
import { errorTexts, Protocol } from '../../../src/compose/invocation/protocol.ts';

function sent(accepted: string | undefined, speak: (protocol: Protocol) => void): unknown[] {
  const texts: string[] = [];
  speak(new Protocol({ accepted, write: (text) => texts.push(text) }));
  return texts.map((text) => {
    expect(text.endsWith('\n')).toBe(true);
    return JSON.parse(text);
  });
}

describe('messages', () => {
  test('are one line each, without colours', () => {
    expect(sent(undefined, (protocol) => protocol.info('\u001B[31mred\u001B[0m\r\n  and \u0007blue\n'))).toEqual([
      { type: 'info', message: 'red | and blue' },
    ]);
  });

  test('keep the value of a variable as it is', () => {
    expect(sent(undefined, (protocol) => protocol.setenv('A', 'b=c\nd'))).toEqual([
      { type: 'setenv', message: 'A=b=c\nd' },
    ]);
  });

  test.each([
    [undefined, ['info', 'debug', 'error', 'setenv', 'rawsetenv']],
    ['info, error', ['info', 'error']],
    ['info,debug,error,setenv,rawsetenv,publish-endpoint', ['info', 'debug', 'error', 'setenv', 'rawsetenv']],
  ])('go to a Compose that announces %s only as it takes them', (accepted, types) => {
    const messages = sent(accepted, (protocol) => {
      protocol.info('a');
      protocol.debug('a');
      protocol.error('a');
      protocol.setenv('A', 'b');
      protocol.setenv('A', 'b', { raw: true });
    });
    expect(messages).toMatchObject(types.map((type) => ({ type })));
  });
});

describe('an error', () => {
  const fault = (id: string): UserFacingError =>
    new UserFacingError({ id, found: `${id} is wrong`, expected: 'It must be right.', next: ['Correct it'] });
  const told = (accepted: string | undefined, ...texts: readonly string[]): unknown[] =>
    sent(accepted, (protocol) => protocol.error(...texts));
  const first = 'a/b/c is wrong. It must be right. Correct it. [a/b/c]';
  const second = 'd/e/f is wrong. It must be right. Correct it. [d/e/f]';

  test('has what was found, what to do, the id and the log file', () => {
    expect(errorTexts(fault('a/b/c'), '/log')).toEqual([first, 'Log: /log']);
  });

  test('of several faults numbers them', () => {
    const faults = new ErrorList([fault('a/b/c'), fault('d/e/f')]);
    expect(errorTexts(faults, undefined)).toEqual([`(1) ${first}`, `(2) ${second}`]);
  });

  test('has a line for each fault, and none within one, where Compose shows lines, and is one line before', () => {
    const texts = ['(1) one\nfault', '(2) another', 'Log: /log'];
    const [lines, line] = ['(1) one | fault\n(2) another\nLog: /log', '(1) one | fault (2) another Log: /log'];
    expect(told('info,error', ...texts)).toEqual([{ type: 'error', message: lines }]);
    expect(told(undefined, ...texts)).toEqual([{ type: 'error', message: line }]);
  });
});
