import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { renderError, type UserFacingError } from '../../../../src/base/user-facing-error.ts';
import { readBindingSources } from '../../../../src/contract/config/bus/binding-files.ts';
import { loadBusConnection } from '../../../../src/contract/config/bus/bus-connection.ts';
import { type BusService, findBusService, noBindings } from '../../../../src/contract/config/bus/service-binding.ts';

const credentials = { url: 'https://bus.example:9443', ca: 'PEM ca', token: 's3cret' };
const bus = { name: 'bus', label: 'user-provided', tags: ['meridian-bus'], credentials };
const other = { name: 'db', label: 'mysql', tags: ['mysql'], credentials: { uri: 'mysql://s3cret@db' } };

const document = (...services: unknown[]): string => JSON.stringify({ 'user-provided': services });

interface Found {
  readonly service: BusService | undefined;
  readonly errors: readonly UserFacingError[];
}

function find(text: string, chosenName?: string): Found {
  const errors: UserFacingError[] = [];
  const documents = [{ source: 'VCAP_SERVICES', text }];
  return { service: findBusService({ ...noBindings, documents }, chosenName, errors), errors };
}

describe('the service that leads to the bus', () => {
  test.each<[string, string, string | undefined]>([
    ['by its tag', document(other, bus), undefined],
    ['by its tag in another case', document({ ...bus, tags: ['Other', 'Meridian-Bus'] }), undefined],
    ['by tags that are one text', document({ ...bus, tags: 'other, Meridian-Bus' }), undefined],
    ['by its name, tagged or not', document({ ...bus, tags: [] }, { ...bus, name: 'bus-2' }), 'bus'],
    ['by its instance name', document({ ...bus, name: 'alias', instance_name: 'bus' }), 'bus'],
    ['by the name of its binding', document({ ...bus, binding_name: 'to-the-bus' }), 'to-the-bus'],
    ['by its name among several tagged ones', document({ ...bus, name: 'bus-2' }, bus), 'bus'],
    ['beside entries of another shape', JSON.stringify({ a: [null, 'x'], b: 'c', d: [bus] }), undefined],
  ])('is found %s', (_how, text, chosenName) => {
    expect(find(text, chosenName)).toMatchObject({
      service: { label: 'service "bus" of VCAP_SERVICES', url: 'https://bus.example:9443' },
      errors: [],
    });
  });

  test.each(['{}', document(other), document({ ...bus, tags: 'meridian-bus-2, other' })])(
    'is not there in %s',
    (text) => {
      expect(find(text)).toEqual({ service: undefined, errors: [] });
    },
  );

  test('may give its credentials by a reference that the launcher resolves', () => {
    const reference = { ...bus, credentials: { 'credhub-ref': '/c/bus' } };
    expect(find(document(reference))).toMatchObject({ service: { credentials: {} }, errors: [] });
  });
});

describe('a problem of the bound services', () => {
  test.each<[string, string, string | undefined, string, string]>([
    ['text that is no JSON', '{"a": s3cret', undefined, 'vcap-services/not-json', 'VCAP_SERVICES holds no JSON object'],
    ['JSON that is a list', '["s3cret"]', undefined, 'vcap-services/not-json', 'VCAP_SERVICES holds no JSON object'],
    [
      'several with the tag',
      document(bus, { ...bus, name: 'bus-2' }),
      undefined,
      'bus-service/several',
      'service "bus" of VCAP_SERVICES, service "bus-2" of VCAP_SERVICES',
    ],
    ['a name that is not bound', document(bus, other), 'bsu', 'bus-service/not-bound', 'bound are service "bus"'],
    ['a name when nothing is bound', '{}', 'bus', 'bus-service/not-bound', 'no service is bound'],
    [
      'no usable credential',
      document({ ...bus, credentials: { uri2: 's3cret', url: ' ', token: 7 } }),
      undefined,
      'bus-service/empty',
      'none of the credentials url, ca, certificate, key, token',
    ],
  ])('is %s', (_what, text, chosenName, id, found) => {
    const { errors } = find(text, chosenName);
    expect(errors).toEqual([
      expect.objectContaining({ id: `config/${id}`, exitCode: 78, message: expect.stringContaining(found) }),
    ]);
    expect(errors.map(renderError).join()).not.toContain('s3cret');
  });
});

describe('bindings as files', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'meridian-bindings-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function bind(folder: string, files: Record<string, string>): string {
    const dir = path.join(root, folder);
    mkdirSync(dir, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(dir, name), text);
    return dir;
  }

  async function read(environment: Record<string, string>, chosenName?: string): Promise<Found> {
    const errors: UserFacingError[] = [];
    return { service: findBusService(await readBindingSources(environment), chosenName, errors), errors };
  }

  test.each<[string, Record<string, string>]>([
    ['the tag', { type: 'user-provided', tags: '["meridian-bus"]' }],
    ['the type', { type: 'meridian-bus\n' }],
    ['the type in another case', { type: 'MERIDIAN-BUS' }],
    ['a tag in another case', { tags: '["Meridian-Bus"]' }],
    ['tags that are one text', { tags: 'other,meridian-bus\n' }],
  ])('are recognised by %s, and their credentials stay files', async (_what, marks) => {
    const dir = bind('to-bus', { ...marks, url: 'https://bus.example\n', token: 's3cret\n', provider: 'x' });
    bind('db', { type: 'mysql', uri: 'mysql://s3cret@db' });
    expect(await read({ SERVICE_BINDING_ROOT: root })).toEqual({
      service: expect.objectContaining({
        label: 'service "to-bus" of SERVICE_BINDING_ROOT',
        url: 'https://bus.example',
        credentials: { url: { file: path.join(dir, 'url') }, token: { file: path.join(dir, 'token') } },
      }),
      errors: [],
    });
  });

  test('are read as Kubernetes mounts them, through links and beside its own folders', async () => {
    bind('bus/..2026', { type: 'meridian-bus', 'instance-name': 'bus-1', uri: 'https://bus.example' });
    symlinkSync('..2026', path.join(root, 'bus/..data'));
    for (const name of ['type', 'instance-name', 'uri']) symlinkSync(`..data/${name}`, path.join(root, 'bus', name));
    mkdirSync(path.join(root, '..other'));
    writeFileSync(path.join(root, 'README'), 'no folder');
    expect(await read({ SERVICE_BINDING_ROOT: root }, 'bus-1')).toMatchObject({
      service: { label: 'service "bus-1" of SERVICE_BINDING_ROOT', url: 'https://bus.example' },
      errors: [],
    });
  });

  test('come before VCAP_SERVICES when both tell of one service', async () => {
    bind('bus', { type: 'meridian-bus', url: 'https://from-file' });
    const { service, errors } = await read({ SERVICE_BINDING_ROOT: root, VCAP_SERVICES: document(bus) });
    expect({ url: service?.url, errors }).toEqual({ url: 'https://from-file', errors: [] });
  });

  test('may be one file in the form of VCAP_SERVICES', async () => {
    const dir = bind('vcap', { services: document(bus) });
    const { service } = await read({ VCAP_SERVICES_FILE_PATH: path.join(dir, 'services') });
    expect(service?.label).toBe('service "bus" of VCAP_SERVICES_FILE_PATH');
  });

  test.each([
    ['VCAP_SERVICES_FILE_PATH', 'config/vcap-services-file-path/unreadable'],
    ['SERVICE_BINDING_ROOT', 'config/service-binding-root/unreadable'],
  ])('that %s names and nobody can read are a fault', async (variable, id) => {
    expect((await read({ [variable]: path.join(root, 'none') })).errors).toEqual([
      expect.objectContaining({ id, message: expect.stringContaining('ENOENT') }),
    ]);
  });
});

describe('the connection to the bus', () => {
  const load = (environment: Record<string, string>, bound: Record<string, unknown> = {}) =>
    loadBusConnection(environment, {
      ...noBindings,
      documents: [{ source: 'VCAP_SERVICES', text: document({ ...bus, credentials: bound }) }],
    });
  const identity = { CF_INSTANCE_CERT: '/etc/cf/instance.crt', CF_INSTANCE_KEY: '/etc/cf/instance.key' };
  const pair = { SIDECAR_BUS_CERTIFICATE: '/own.crt', SIDECAR_BUS_KEY: '/own.key' };
  const text = expect.objectContaining({ text: expect.anything() });
  const url = 'https://bound';
  const service = 'service "bus" of VCAP_SERVICES';

  test.each<[string, Record<string, string>, Record<string, unknown>, object]>([
    [
      'takes the address of the service',
      {},
      { url },
      { busApiUrl: { address: 'bound:8443', tls: true, origin: service } },
    ],
    [
      'prefers the address of the environment',
      { SIDECAR_BUS_API_URL: 'own:1' },
      { url },
      { busApiUrl: { address: 'own:1', tls: false, origin: 'SIDECAR_BUS_API_URL' } },
    ],
    [
      'takes authority and token of the service',
      {},
      { url, ca: 'PEM', token: 't' },
      { tls: { ca: text }, busToken: text },
    ],
    ["turns TLS on for the service's authority", {}, { url: 'bound', ca: 'PEM' }, { busApiUrl: { tls: true } }],
    [
      'prefers files of the environment',
      { SIDECAR_BUS_CA: '/ca.pem', SIDECAR_BUS_TOKEN_FILE: '/token' },
      { url, ca: 'PEM', token: 't' },
      { tls: { ca: { file: '/ca.pem' } }, busToken: { file: '/token' } },
    ],
    [
      'takes certificate and key of the service',
      identity,
      { url, certificate: 'PEM', key: 'PEM' },
      { tls: { certificate: text, key: text, certificateOrigin: service } },
    ],
    [
      'never joins a certificate of the environment with the key of a service',
      pair,
      { url, certificate: 'PEM', key: 'PEM' },
      { tls: { certificate: { file: '/own.crt' }, key: { file: '/own.key' } } },
    ],
    [
      "takes the instance's identity when TLS is on and nothing else is given",
      identity,
      { url },
      { tls: { certificate: { file: '/etc/cf/instance.crt' }, certificateOrigin: 'CF_INSTANCE_CERT' } },
    ],
    ['takes no identity without TLS', identity, { url: 'bound' }, { tls: { certificate: undefined } }],
    ['takes no identity beside a token', identity, { url, token: 't' }, { tls: { certificate: undefined } }],
    ['takes no half of an identity', { CF_INSTANCE_CERT: '/a' }, { url }, { tls: { certificate: undefined } }],
  ])('%s', (_what, environment, bound, config) => {
    expect(load(environment, bound)).toMatchObject(config);
  });

  test('tells every problem of a service in one pass, and no credential', () => {
    const bound = { url: 'https://me:s3cret@bus/x', token: 's3cret one', key: 's3cret' };
    const errors: UserFacingError[] = [];
    try {
      load({ SIDECAR_BUS_TOKEN_FILE: '' }, bound);
    } catch (error) {
      errors.push(...(error as { errors: UserFacingError[] }).errors);
    }
    expect(errors.map(({ id }) => id).sort()).toEqual([
      'config/bus-service/bad-token',
      'config/bus-service/bad-url',
      'config/tls/half-given',
    ]);
    for (const fault of errors) expect(renderError(fault)).toContain(service);
    expect(errors.map(renderError).join()).not.toContain('s3cret');
  });
});
