import { describe, expect, test } from 'vitest';
import { createLog, type LogFields, type LogLevel, logLevels, silentLog } from '../../../src/base/log/log.ts';

function lines(format: 'text' | 'json', level: LogLevel = 'debug') {
  const written: string[] = [];
  const write = (line: string): void => void written.push(line);
  return { written, log: createLog({ level, format, write, wallTimeNs: () => 1_767_225_600_123_456_789n }) };
}

const fields: [what: string, fields: LogFields, text: string][] = [
  ['a word', { instance: 'node-1' }, 'instance=node-1'],
  ['numbers and truths', { port: 9191, epoch: 5n, fatal: false }, 'port=9191 epoch=5 fatal=false'],
  ['an undefined value, which is left out', { reason: undefined, code: 1 }, 'code=1'],
  ['a blank', { reason: 'no answer' }, 'reason="no answer"'],
  ['the empty text', { reason: '' }, 'reason=""'],
  ['an equals sign', { query: 'a=b' }, 'query="a=b"'],
  ['a quotation mark', { said: '"hi"' }, String.raw`said="\"hi\""`],
  ['a line break', { reason: 'a\nERROR b' }, String.raw`reason="a\nERROR b"`],
  ['a carriage return', { reason: 'a\rb' }, String.raw`reason="a\rb"`],
  ['a terminal escape', { reason: '\u001b[2J' }, String.raw`reason="\u001b[2J"`],
];

describe('a text log', () => {
  test.each(fields)('writes %s as one line', (_what, given, text) => {
    const { log, written } = lines('text');
    log.info('happened', given);
    expect(written).toEqual([`INFO  happened ${text}`]);
  });

  test('aligns the levels and leaves time to the platform', () => {
    const { log, written } = lines('text');
    for (const level of logLevels) log[level]('x');
    expect(written).toEqual(['DEBUG x', 'INFO  x', 'WARN  x', 'ERROR x']);
  });

  test.each([
    ['first\nsecond', 'first | second'],
    ['first  \r\n\n  second', 'first | second'],
    ['plain\u001b[31mred', 'plain [31mred'],
  ])('writes the message %j on one line without control characters', (message, text) => {
    const { log, written } = lines('text');
    log.warn(message);
    expect(written).toEqual([`WARN  ${text}`]);
  });
});

describe('a JSON log', () => {
  test.each(fields)('writes %s so that it can be read back', (_what, given) => {
    const { log, written } = lines('json');
    log.error('happened', given);
    const defined = Object.entries(given).filter(([, value]) => value !== undefined);
    const expected = defined.map(([key, value]) => [key, typeof value === 'bigint' ? value.toString() : value]);
    expect(written).toHaveLength(1);
    expect(written[0]).not.toContain('\n');
    expect(JSON.parse(written[0] ?? '')).toEqual({
      time: '2026-01-01T00:00:00.123Z',
      level: 'error',
      message: 'happened',
      ...Object.fromEntries(expected),
    });
  });

  test('keeps its own time, level and message when fields have the same names', () => {
    const { log, written } = lines('json');
    log.info('happened', { message: 'other', level: 'error', time: 'never' });
    expect(JSON.parse(written[0] ?? '')).toEqual({
      time: '2026-01-01T00:00:00.123Z',
      level: 'info',
      message: 'happened',
    });
  });
});

test.each(logLevels.map((level, index) => [level, logLevels.slice(index)] as const))(
  'at level %s only %j are written',
  (level, expected) => {
    const { log, written } = lines('text', level);
    for (const each of logLevels) log[each](each);
    expect(written.map((line) => line.slice(6))).toEqual(expected);
  },
);

test('the silent log takes everything and writes nothing', () => {
  for (const level of logLevels) expect(silentLog[level]('x', { y: 1 })).toBeUndefined();
});
