import { expect, test } from 'vitest';
import { busApiAddress, listenAddress, loopbackAddress } from '../../../src/contract/config/addresses.ts';

test.each([
  ['bus-api:8443', { host: 'bus-api', port: 8443, address: 'bus-api:8443', scheme: undefined }],
  ['bus-api', { host: 'bus-api', port: 8443, address: 'bus-api:8443', scheme: undefined }],
  ['https://bus.example:443/', { host: 'bus.example', port: 443, address: 'bus.example:443', scheme: 'https' }],
  ['http://10.0.0.5', { host: '10.0.0.5', port: 8443, address: '10.0.0.5:8443', scheme: 'http' }],
  ['[::1]:9000', { host: '::1', port: 9000, address: '[::1]:9000', scheme: undefined }],
])('reads the bus address %s', (raw, value) => {
  expect(busApiAddress(raw)).toEqual({ ok: true, value });
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
