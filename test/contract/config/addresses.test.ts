import { expect, test } from 'vitest';
import { busApiAddress, listenAddress, loopbackAddress } from '../../../src/contract/config/addresses.ts';

test.each([
  ['bus-api:8443', { host: 'bus-api', port: 8443, address: 'bus-api:8443' }, undefined],
  ['bus-api', { host: 'bus-api', port: 8443, address: 'bus-api:8443' }, undefined],
  ['https://bus.example:443/', { host: 'bus.example', port: 443, address: 'bus.example:443' }, 'https'],
  ['http://10.0.0.5', { host: '10.0.0.5', port: 8443, address: '10.0.0.5:8443' }, 'http'],
  ['[::1]:9000', { host: '::1', port: 9000, address: '[::1]:9000' }, undefined],
])('reads the bus address %s', (raw, place, scheme) => {
  expect(busApiAddress(raw)).toEqual({ ok: true, value: { places: [place], address: place.address, scheme } });
});

test.each([
  ['a:1,b:2', 'a:1,b:2', undefined],
  [' https://a , https://b:1/ ', 'a:8443,b:1', 'https'],
  ['[::1]:1,[::1]:2,10.0.0.1', '[::1]:1,[::1]:2,10.0.0.1:8443', undefined],
  [
    Array.from({ length: 16 }, (_, index) => `bus-${index}:1`).join(),
    expect.stringMatching(/^bus-0:1,.*,bus-15:1$/),
    undefined,
  ],
])('reads several addresses of a bus: %s', (raw, address, scheme) => {
  const parsed = busApiAddress(raw);
  expect(parsed).toMatchObject({ ok: true, value: { address, scheme } });
  if (parsed.ok) expect(parsed.value.places.map((place) => place.address).join()).toBe(parsed.value.address);
});

test.each([
  'a,',
  ',a',
  'a,,b',
  'a,b,a:8443',
  'https://a,b',
  'https://a,http://b',
  'a,u:p@b',
  Array.from({ length: 17 }, (_, index) => `bus-${index}`).join(),
])('rejects the list of addresses %j with what a list may be', (raw) => {
  const expected = expect.stringContaining('up to 16 of them');
  expect(busApiAddress(raw)).toMatchObject({ ok: false, fault: 'malformed', expected });
});

test.each(['', 'nats://bus', 'bus:0', 'bus:65536', 'bus:x', 'https://u:p@bus', 'https://bus/path', 'a b', '::1:80', 7])(
  'rejects the bus address %j',
  (raw) => {
    expect(busApiAddress(raw)).toMatchObject({ ok: false, fault: 'malformed' });
  },
);

test.each([
  ['127.0.0.1:9191', '127.0.0.1:9191'],
  ['localhost:0', '127.0.0.1:0'],
  ['[::1]:9191', '[::1]:9191'],
])('lets the plugin in at %s', (raw, value) => {
  expect(loopbackAddress(raw)).toEqual({ ok: true, value });
});

test.each(['0.0.0.0:9191', ':9191', '10.0.0.1:9191', '[::]:9191', '127.0.0.1.example:1', '9191'])(
  'lets no plugin in at %s',
  (raw) => {
    expect(loopbackAddress(raw)).toMatchObject({ ok: false });
  },
);

test.each([
  [':9192', undefined, 9192],
  [':$PORT', undefined, 8080],
  ['127.0.0.1:' + '${' + 'PORT}', '127.0.0.1', 8080],
])('serves health at %s', (raw, host, port) => {
  expect(listenAddress('8080')(raw)).toEqual({ ok: true, value: { host, port } });
});

test('rejects $PORT where the platform gives none', () => {
  expect(listenAddress(undefined)(':$PORT')).toMatchObject({ ok: false, fault: 'port-unset' });
});
