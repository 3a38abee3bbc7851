import { expect, test } from 'vitest';
import { headerField } from '../../../../src/transport/http2/hpack/header-field.ts';

const badCharacter = 'the name of a field has a character that is not allowed';
const empty = 'the name of a field is empty';
const blank = 'the value of a field begins or ends with a space or a tab';
const control = 'the value of a field has a control character';

test.each([
  { name: 'Content-Type', value: 'a', problem: badCharacter },
  { name: 'x y', value: 'a', problem: badCharacter },
  { name: 'x\0', value: 'a', problem: badCharacter },
  { name: 'x\u00e4', value: 'a', problem: badCharacter },
  { name: 'x\u20ac', value: 'a', problem: badCharacter },
  { name: 'x(y)', value: 'a', problem: badCharacter },
  { name: 'x\x7f', value: 'a', problem: badCharacter },
  { name: 'x:y', value: 'a', problem: badCharacter },
  { name: ':x:', value: 'a', problem: badCharacter },
  { name: '::x', value: 'a', problem: badCharacter },
  { name: ':Path', value: 'a', problem: badCharacter },
  { name: '', value: 'a', problem: empty },
  { name: ':', value: 'a', problem: empty },
  { name: 'x', value: ' a', problem: blank },
  { name: 'x', value: 'a ', problem: blank },
  { name: 'x', value: '\ta', problem: blank },
  { name: 'x', value: 'a\t', problem: blank },
  { name: 'x', value: ' ', problem: blank },
  { name: 'x', value: 'a\0b', problem: control },
  { name: 'x', value: 'a\rb', problem: control },
  { name: 'x', value: 'a\nb', problem: control },
  { name: 'x', value: 'a\x1bb', problem: control },
  { name: 'x', value: 'a\x7fb', problem: control },
  { name: 'connection', value: 'close', problem: '"connection" is a field of HTTP/1.1' },
  { name: 'proxy-connection', value: 'close', problem: '"proxy-connection" is a field of HTTP/1.1' },
  { name: 'keep-alive', value: 'timeout=5', problem: '"keep-alive" is a field of HTTP/1.1' },
  { name: 'transfer-encoding', value: 'chunked', problem: '"transfer-encoding" is a field of HTTP/1.1' },
  { name: 'upgrade', value: 'h2c', problem: '"upgrade" is a field of HTTP/1.1' },
  { name: 'te', value: 'gzip', problem: '"te" is not "trailers"' },
  { name: 'te', value: '', problem: '"te" is not "trailers"' },
  { name: 'te', value: 'trailers, gzip', problem: '"te" is not "trailers"' },
])('no message may have $name: $value', ({ name, value, problem }) => {
  expect(headerField(name, value).problem).toBe(problem);
});

test.each([
  { name: ':path', value: '/' },
  { name: 'te', value: 'trailers' },
  { name: 'x', value: '' },
  { name: 'x', value: 'a b\tc' },
  { name: 'x', value: '\u00e4\u00ff\u0080' },
  { name: "!#$%&'*+-.^_`|~09az", value: ':' },
])('a message may have $name: $value', ({ name, value }) => {
  expect(headerField(name, value).problem).toBeUndefined();
});

test('a field counts its bytes and 32 more', () => {
  expect(headerField('', '').size).toBe(32);
  expect(headerField('name', 'value').size).toBe(41);
});
