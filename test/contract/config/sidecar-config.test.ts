import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ErrorList, exitCodeOf, renderError } from '../../../src/base/user-facing-error.ts';
import { settingLimits } from '../../../src/contract/config/settings/sidecar-settings.ts';
import { loadSidecarConfig, type SidecarConfig } from '../../../src/contract/config/sidecar-config.ts';
import { limits } from '../../../src/contract/wire/limits.ts';

test('no setting goes beyond what the bus can do for one sidecar, and the refusal says how far it may go', () => {
  expect(settingLimits.outboxMessages).toBeLessThanOrEqual(limits.unsettledPublishes);
  expect(settingLimits.creditMessages).toBeLessThanOrEqual(limits.unacknowledgedMessages);
  const most = { yaml: 'outbox: {messages: 65536}\ncredits: {messages: 4096}' };
  expect(load(most)).toMatchObject({ outbox: { messages: 65_536 }, credits: { messages: 4_096 } });
  const { errors } = faultsOf({ yaml: 'outbox: {messages: 65537}' });
  expect(errors.map(renderError).join()).toMatch(/`outbox.messages` is 65537\n.* a whole number from 1 to 65536/);
});

interface Given {
  readonly environment?: Record<string, string>;
  readonly yaml?: string;
}

const needed = { INSTANCE_ID: 'oms-1', POOL_TYPE: 'OMSPool' };

function load({ environment = {}, yaml }: Given): SidecarConfig {
  return loadSidecarConfig({
    environment: { ...needed, ...environment },
    checkPattern: (pattern) => (pattern.includes('>') ? 'a segment holds ">"' : undefined),
    ...(yaml === undefined ? {} : { configFile: { path: 'sidecar.yml', text: yaml } }),
  });
}

function faultsOf(given: Given): ErrorList {
  try {
    load(given);
  } catch (error) {
    if (error instanceof ErrorList) return error;
    throw error;
  }
  throw new Error('nothing was rejected');
}

describe('the configuration', () => {
  test('needs an instance id and a pool type only', () => {
    expect(load({})).toMatchObject({
      instanceId: 'oms-1',
      poolType: 'OMSPool',
      requestedGrants: [],
      tags: [],
      busApiUrl: { places: [{ host: 'bus-api', port: 8443 }], address: 'bus-api:8443', tls: false },
      pluginAddress: '127.0.0.1:9191',
      healthAddress: { host: undefined, port: 9192 },
      statusAddress: { host: undefined, port: 9192 },
      grantTimeoutMs: undefined,
      shutdown: { totalMs: 8_000, drainMs: 6_000, flushMs: 1_000, deregisterMs: 500, closeMs: 500 },
      outbox: { messages: 1_024, bytes: 8_388_608, ageMs: 30_000 },
    });
  });

  test('prefers the environment to the file and the file to the default', () => {
    const yaml = [
      'log_level: debug',
      'log_format: json',
      'audit_log: audit.log',
      'timeouts: {connect: 3s}',
      'metrics: {topics: 7}',
    ].join('\n');
    const config = load({ environment: { SIDECAR_LOG_LEVEL: 'warn', SIDECAR_AUDIT_LOG: '-' }, yaml });
    expect(config).toMatchObject({
      logLevel: 'warn',
      logFormat: 'json',
      auditLog: '-',
      metrics: { topics: 7 },
      connectTimeoutMs: 3_000,
      callTimeoutMs: 5_000,
    });
  });

  test('takes the grants as JSON from the environment and as a list from the file', () => {
    const topic = 'platform.data.*';
    const fromFile = load({ yaml: `requested_grants:\n  - {topic: "${topic}", action: publish}\n` });
    const fromEnvironment = load({ environment: { REQUESTED_GRANTS: JSON.stringify([{ topic, action: 'publish' }]) } });
    expect(fromFile.requestedGrants).toEqual([{ topic, action: 'publish' }]);
    expect(fromEnvironment.requestedGrants).toEqual(fromFile.requestedGrants);
  });

  const onLoopback = { host: '127.0.0.1', port: 9192 };
  test.each<[string, Given, SidecarConfig['statusAddress']]>([
    ['the health address', { environment: { SIDECAR_HEALTH_ADDR: '[::1]:9393' } }, { host: '::1', port: 9393 }],
    [
      "loopback when that is the platform's",
      { environment: { SIDECAR_HEALTH_ADDR: ':$PORT', PORT: '8080' } },
      onLoopback,
    ],
    [
      'loopback when that is so by its number',
      { environment: { SIDECAR_HEALTH_ADDR: ':8080', PORT: '8080' } },
      onLoopback,
    ],
    ['loopback when the file says so', { environment: { PORT: '8080' }, yaml: 'health_addr: ":$PORT"\n' }, onLoopback],
    ['what is set', { environment: { SIDECAR_STATUS_ADDR: ':9393' } }, { host: undefined, port: 9393 }],
    ['what the file has', { yaml: 'status_addr: 127.0.0.1:9393\n' }, { host: '127.0.0.1', port: 9393 }],
    ['a free port of its own', { environment: { SIDECAR_STATUS_ADDR: ':0' } }, { host: undefined, port: 0 }],
  ])('tells the status at %s', (_where, given, expected) => {
    expect(load(given).statusAddress).toEqual(expected);
  });

  test('waits 50 s for grants on Cloud Foundry and takes revision and id from there', () => {
    const vcap = { application_name: 'oms', process_type: 'web', instance_index: 0, application_version: 'v-7' };
    const config = load({ environment: { INSTANCE_ID: '', VCAP_APPLICATION: JSON.stringify(vcap) } });
    expect(config).toMatchObject({
      instanceId: 'oms-0',
      grantTimeoutMs: 50_000,
      revision: { applicationVersion: 'v-7' },
    });
  });

  test.each([
    ['a CA', { SIDECAR_BUS_CA: 'ca.pem' }],
    ['a certificate', { SIDECAR_BUS_CERTIFICATE: 'a.crt', SIDECAR_BUS_KEY: 'a.key' }],
    ['an https address', { SIDECAR_BUS_API_URL: 'https://bus' }],
  ])('turns TLS on for %s', (_what, environment) => {
    expect(load({ environment }).busApiUrl.tls).toBe(true);
  });

  test('counts a blank variable as unset and an empty file as no setting', () => {
    expect(load({ environment: { TAGS: ' ', SIDECAR_LOG_LEVEL: '' }, yaml: '# nothing\n' }).logLevel).toBe('info');
  });

  test('never shows the token', () => {
    const config = load({ environment: { SIDECAR_BUS_TOKEN: 't0p-s3cret' } });
    expect(config.busToken).toHaveProperty('text');
    expect(
      [JSON.stringify(config), String(config.busToken), inspect(config, { showHidden: true })].join(),
    ).not.toContain('t0p');
  });
});

describe('a fault', () => {
  test.each<[string, string, Given]>([
    ['grants that are no JSON', 'config/requested-grants/not-json', { environment: { REQUESTED_GRANTS: '[{topic}]' } }],
    ['grants that are no array', 'config/requested-grants/not-a-list', { environment: { REQUESTED_GRANTS: '{}' } }],
    [
      'a grant with no topic',
      'config/requested-grants/bad-grant',
      { environment: { REQUESTED_GRANTS: '[{"action":"publish"}]' } },
    ],
    [
      'a grant on no pattern',
      'config/requested-grants/bad-grant',
      { yaml: 'requested_grants: [{topic: a.>, action: publish}]' },
    ],
    [
      'an action nobody knows',
      'config/requested-grants/bad-grant',
      { yaml: 'requested_grants: [{topic: a, action: own}]' },
    ],
    ['no pool type', 'config/pool-type/missing', { environment: { POOL_TYPE: '' } }],
    ['a pool type with a blank', 'config/pool-type/malformed', { environment: { POOL_TYPE: 'OMS Pool' } }],
    ['no instance id', 'config/instance-id/missing', { environment: { INSTANCE_ID: '' } }],
    ['a plugin port for everybody', 'config/addr/not-loopback', { environment: { SIDECAR_ADDR: '0.0.0.0:9191' } }],
    ['one port for plugin and health', 'config/health-addr/taken', { environment: { SIDECAR_HEALTH_ADDR: ':9191' } }],
    [
      'one port for plugin and status',
      'config/status-addr/taken',
      { environment: { SIDECAR_STATUS_ADDR: '127.0.0.1:9191' } },
    ],
    [
      "the status on the platform's port",
      'config/status-addr/taken',
      { environment: { SIDECAR_STATUS_ADDR: ':$PORT', PORT: '8080' } },
    ],
    [
      'one port for health and status, and another host',
      'config/status-addr/taken',
      { environment: { SIDECAR_STATUS_ADDR: '127.0.0.1:9192' } },
    ],
    [
      'no port left for the status',
      'config/status-addr/taken',
      { environment: { SIDECAR_HEALTH_ADDR: ':$PORT', PORT: '9192' } },
    ],
    ['no port left for the health', 'config/health-addr/taken', { environment: { SIDECAR_ADDR: '127.0.0.1:9192' } }],
    ['a log level nobody knows', 'config/log-level/unknown-value', { environment: { SIDECAR_LOG_LEVEL: 'loud' } }],
    ['a flag that is neither', 'config/exit-on-fault/not-a-flag', { environment: { SIDECAR_EXIT_ON_FAULT: 'yes' } }],
    [
      'a duration with no unit',
      'config/grant-timeout/not-a-duration',
      { environment: { SIDECAR_GRANT_TIMEOUT: '50' } },
    ],
    ['a size with no unit', 'config/outbox-bytes/not-a-size', { yaml: 'outbox: {bytes: 12}' }],
    ['a count below one', 'config/credits-messages/not-a-count', { yaml: 'credits: {messages: 0}' }],
    [
      'an outbox that the bus cannot tell repeats of',
      'config/outbox-messages/not-a-count',
      { yaml: 'outbox: {messages: 65537}' },
    ],
    ['credit without effect', 'config/credits-messages/not-a-count', { yaml: 'credits: {messages: "4097"}' }],
    ['a shutdown over its budget', 'config/shutdown/over-budget', { yaml: 'shutdown: {drain: 7s}' }],
    ['a default above its maximum', 'config/timeouts-call/above-its-maximum', { yaml: 'timeouts: {call: 2m}' }],
    ['a certificate with no key', 'config/tls/half-given', { environment: { SIDECAR_BUS_CERTIFICATE: 'a.crt' } }],
    [
      'http:// with a CA',
      'config/bus-api-url/plain-with-tls-files',
      { environment: { SIDECAR_BUS_API_URL: 'http://bus', SIDECAR_BUS_CA: 'ca.pem' } },
    ],
    ['a platform that speaks no JSON', 'config/vcap-application/not-json', { environment: { VCAP_APPLICATION: '[' } }],
    ['a file that is no YAML', 'config/file/not-yaml', { yaml: 'a: [' }],
    ['a file that is a list', 'config/file/not-a-mapping', { yaml: '- a' }],
    ['a section that is a text', 'config/file/not-a-mapping', { yaml: 'shutdown: soon' }],
    ['a key nobody knows', 'config/file/unknown-key', { yaml: 'colour: red' }],
    ['a key given twice', 'config/file/not-yaml', { yaml: 'image: a\nimage: b' }],
    ['a token that holds a line feed', 'config/bus-token/malformed', { environment: { SIDECAR_BUS_TOKEN: 'a\nb' } }],
  ])('is %s', (_what, id, given) => {
    const list = faultsOf(given);
    expect(list.errors.map((fault) => fault.id)).toEqual([id]);
    expect(exitCodeOf(list)).toBe(78);
  });

  test('names its place in the file and the key that was probably meant', () => {
    expect(renderError(faultsOf({ yaml: 'shutdown:\n  drian: 5s\n  flush: soon\n' }))).toBe(
      [
        'sidecar.yml, line 2: the key `shutdown.drian` is not known',
        '- Did you mean `shutdown.drain`?  [config/file/unknown-key]',
        '',
        'sidecar.yml, line 3: `shutdown.flush` is "soon"',
        'It must be a duration above zero such as `500ms`, `8s` or `10m`.',
        '- Correct line 3 and try again.  [config/shutdown-flush/not-a-duration]',
      ].join('\n'),
    );
  });

  test('comes with all the others in one pass', () => {
    const environment = { POOL_TYPE: '', TAGS: 'a b', SIDECAR_ADDR: 'x', REQUESTED_GRANTS: '{' };
    expect(faultsOf({ environment, yaml: 'colour: red\nlog_format: xml\n' }).errors).toHaveLength(6);
  });

  test('repeats neither a token nor the credentials of an address', () => {
    const environment = { SIDECAR_BUS_TOKEN: 's3cret one', SIDECAR_BUS_API_URL: 'https://me:s3cret@bus?key=s3cret' };
    expect(renderError(faultsOf({ environment }))).not.toContain('s3cret');
  });
});
