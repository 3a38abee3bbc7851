import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { connectAnswerBytesMax, readConnectAnswer } from '../../src/transport/http/connect-answer.ts';

const read = (text: string) => {
  const answer = readConnectAnswer(Buffer.from(text, 'latin1'));
  return typeof answer === 'string' ? answer : [answer.status, answer.rest.toString('latin1')];
};

describe('the answer of a proxy', () => {
  test.each([
    ['with a reason', 'HTTP/1.1 200 Connection established\r\n\r\n', [200, '']],
    ['without a reason', 'HTTP/1.1 200 \r\n\r\n', [200, '']],
    ['without the space before the reason', 'HTTP/1.0 403\r\n\r\n', [403, '']],
    ['with fields', 'HTTP/1.1 200 OK\r\nVia: 1.1 proxy\r\nX-Empty:\r\n\r\n', [200, '']],
    ['with lines that end in LF alone', 'HTTP/1.1 200 OK\nVia: 1.1 proxy\n\n', [200, '']],
    ['with the first bytes of the server', 'HTTP/1.1 200 OK\r\n\r\n\r\n\x00\xff', [200, '\r\n\x00\xff']],
    ['with a length, which has no meaning', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc', [200, 'abc']],
    ['with chunks, which have no meaning', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0', [200, '0']],
    ['after an interim one', 'HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx', [200, 'x']],
  ])('%s is read', (_, text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  test.each([
    ['of another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['of another protocol, shorter than a version', 'h'],
    ['of HTTP/2', 'HTTP/2 200\r\n\r\n'],
    ['with a version that is none', 'HTTP/1.x 200 OK\r\n\r\n'],
    ['with a status that is none', 'HTTP/1.1 99 OK\r\n\r\n'],
    ['with a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['with a field that has no name', 'HTTP/1.1 200 OK\r\n: x\r\n\r\n'],
    ['with a field that has no colon', 'HTTP/1.1 200 OK\r\nnothing\r\n\r\n'],
    ['with a line that is folded', 'HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n'],
    ['that begins with an empty line', '\r\nHTTP/1.1 200 OK\r\n\r\n'],
    ['whose interim answer is followed by something else', 'HTTP/1.1 100 Continue\r\n\r\nx'],
  ])('%s is not HTTP', (_, text) => {
    expect(read(text)).toBe('not-http');
  });

  test('is waited for as long as it may still become one, and no longer than its limit', () => {
    const whole = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\na: b\r\n\r\n`;
    for (let length = 0; length < whole.length; length += 1) expect(read(whole.slice(0, length))).toBe('incomplete');
    const endless = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(connectAnswerBytesMax)}`;
    expect(read(endless.slice(0, connectAnswerBytesMax - 1))).toBe('incomplete');
    expect(read(endless.slice(0, connectAnswerBytesMax))).toBe('not-http');
  });

  test('of any bytes is read, refused or waited for', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.string({ maxLength: 200 }).map((text) => Buffer.from(`HTTP/1.1 200 OK\r\n${text}`)),
    );
    fc.assert(
      fc.property(bytes, (received) => {
        const answer = readConnectAnswer(Buffer.from(received));
        if (typeof answer === 'string') return ['incomplete', 'not-http'].includes(answer);
        return answer.status >= 200 && answer.status <= 599 && answer.rest.length < received.length;
      }),
    );
  });
});
