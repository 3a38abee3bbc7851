import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatBytes } from '../../src/base/bytes.ts';
import { formatDuration, parseDurationMs } from '../../src/base/time/duration.ts';

test.each([
  ['500ms', 500],
  ['8s', 8_000],
  ['10m', 600_000],
  ['2h', 7_200_000],
  ['0s', 0],
  [' 3s ', 3_000],
  ['007s', 7_000],
  ['999999999ms', 999_999_999],
])('reads "%s" as %d ms', (text, durationMs) => {
  expect(parseDurationMs(text)).toBe(durationMs);
});

test.each(['', '8', 's', '8 s', '-8s', '+8s', '1.5s', '8S', '8sec', '1m30s', '8s\n9s', '1e3s', '1234567890ms', '٣s'])(
  'reads no duration in "%s"',
  (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  },
);

test.each([
  [0, '0ms'],
  [500, '500ms'],
  [8_000, '8s'],
  [8_500, '8500ms'],
  [600_000, '10m'],
  [3_600_000, '1h'],
])('writes %d ms as "%s"', (durationMs, text) => {
  expect(formatDuration(durationMs)).toBe(text);
});

test('reads every duration that it writes as what it was', () => {
  fc.assert(fc.property(fc.nat(999_999_999), (ms) => parseDurationMs(formatDuration(ms)) === ms));
});

test.each([
  [0, '0 B'],
  [1, '1 B'],
  [1_023, '1023 B'],
  [1_024, '1 KiB'],
  [1_536, '1.5 KiB'],
  [983_040, '960 KiB'],
  [1_048_575, '1 MiB'],
  [1_048_576, '1 MiB'],
  [8 * 1_048_576, '8 MiB'],
  [1.25 * 1_048_576, '1.3 MiB'],
  [3 * 1_024 ** 3, '3 GiB'],
  [2_048 * 1_024 ** 3, '2048 GiB'],
])('writes %d bytes as "%s"', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
