import { describe, expect, test } from 'vitest';
import { noBindings } from '../../src/contract/config/bus/service-binding.ts';
import { readStagingInputs, type StagingInputs } from '../../src/supply/staging-inputs.ts';

const pool = { POOL_TYPE: 'OMSPool' };

function read(environment: Record<string, string>, yaml?: string, bindings = noBindings): StagingInputs {
  return readStagingInputs({
    environment,
    configFile: yaml === undefined ? undefined : { path: 'sidecar.yml', text: yaml },
    bindings,
  });
}

test('gives web a sidecar of 128 MB when nothing is said', () => {
  expect(read(pool)).toEqual({
    memoryMb: { value: 128, origin: undefined },
    sidecarFor: { value: ['web'], origin: undefined },
    instanceId: { value: '{app}-{index}', origin: undefined },
    pluginAddress: '127.0.0.1:9191',
    healthAddress: ':9192',
    busAddress: { value: 'bus-api:8443 without TLS', origin: undefined },
    holdsApp: false,
    warnings: [],
    errors: [],
  });
});

test('takes memory and process types from the environment, each type once, and tells the origin', () => {
  expect(read({ ...pool, SIDECAR_MEMORY: '192', SIDECAR_FOR: 'web, worker,web' })).toMatchObject({
    memoryMb: { value: 192, origin: 'SIDECAR_MEMORY' },
    sidecarFor: { value: ['web', 'worker'], origin: 'SIDECAR_FOR' },
  });
});

test('takes what the configuration file says, so that the profile script agrees with the sidecar', () => {
  const yaml = [
    'pool_type: OMSPool',
    'instance_id: oms-{index}',
    'bus_api_url: https://bus.example',
    'sidecar_addr: 127.0.0.1:7001',
    'health_addr: ":$PORT"',
  ].join('\n');
  expect(read({ SIDECAR_CONFIG: 'sidecar.yml' }, yaml)).toMatchObject({
    instanceId: { value: 'oms-{index}', origin: 'sidecar.yml, line 2' },
    busAddress: { value: 'bus.example:8443 over TLS', origin: 'sidecar.yml, line 3' },
    pluginAddress: '127.0.0.1:7001',
    healthAddress: ':$PORT',
    warnings: [],
    errors: [],
  });
});

test('takes the Bus API from a bound service, and does not judge what only a run can read', () => {
  const services = {
    'user-provided': [{ name: 'bus', tags: ['meridian-bus'], credentials: { url: 'https://bus.example' } }],
  };
  const bindings = {
    ...noBindings,
    documents: [{ source: 'VCAP_SERVICES', text: JSON.stringify(services) }],
    unreadable: [{ source: 'SERVICE_BINDING_ROOT', reason: 'not mounted yet' }],
  };
  expect(read(pool, undefined, bindings)).toMatchObject({
    busAddress: { value: 'bus.example:8443 over TLS', origin: 'service "bus" of VCAP_SERVICES' },
    errors: [],
  });
});

describe('a warning', () => {
  const poolMissing = expect.stringContaining('POOL_TYPE is not set');
  const fileMissing = expect.stringContaining('SIDECAR_CONFIG names sidecar.yml, which is not in the app');
  test.each<[string, Record<string, string>, string | undefined, unknown[]]>([
    ['a pool type that is set nowhere', {}, undefined, [poolMissing]],
    [
      'a pool type that is not in the file either',
      { SIDECAR_CONFIG: 'sidecar.yml' },
      'log_level: debug',
      [poolMissing],
    ],
    [
      'a file that is not there, which may hold the pool type',
      { SIDECAR_CONFIG: 'sidecar.yml' },
      undefined,
      [fileMissing],
    ],
    [
      'a variable with a slip in its name',
      { ...pool, SIDECAR_MEMROY: '192' },
      undefined,
      ['SIDECAR_MEMROY is not a variable of the sidecar.\nDid you mean SIDECAR_MEMORY?'],
    ],
    [
      'a variable that resembles none',
      { ...pool, SIDECAR_COLOUR_OF_THE_LOG: 'red' },
      undefined,
      [expect.stringContaining('Unset SIDECAR_COLOUR_OF_THE_LOG')],
    ],
    [
      'an id that two process types would share',
      { ...pool, INSTANCE_ID: 'oms-{index}', SIDECAR_FOR: 'web,worker' },
      undefined,
      ['INSTANCE_ID has no {process}, so web and worker would claim the same ids.\nAdd {process} to it.'],
    ],
    ['nothing when the file is outside the app', { SIDECAR_CONFIG: '/etc/sidecar.yml' }, undefined, []],
  ])('tells of %s', (_what, environment, yaml, warnings) => {
    expect(read(environment, yaml)).toMatchObject({ warnings, errors: [] });
  });
});

describe('a fault', () => {
  test.each([
    ['SIDECAR_MEMORY', '128M', 'config/memory/not-megabytes'],
    ['SIDECAR_MEMORY', '64.5', 'config/memory/not-megabytes'],
    ['SIDECAR_MEMORY', '-5', 'config/memory/not-megabytes'],
    ['SIDECAR_MEMORY', '95', 'config/memory/not-megabytes'],
    ['SIDECAR_MEMORY', '1e3', 'config/memory/not-megabytes'],
    ['SIDECAR_MEMORY', '128 MB', 'config/memory/not-megabytes'],
    ['SIDECAR_FOR', 'we b', 'config/for/malformed'],
    ['SIDECAR_FOR', 'web,', 'config/for/malformed'],
    ['SIDECAR_FOR', 'web;worker', 'config/for/malformed'],
    ['REQUESTED_GRANTS', '[{topic: a}]', 'config/requested-grants/not-json'],
    ['REQUESTED_GRANTS', '{"topic":"a","action":"publish"}', 'config/requested-grants/not-a-list'],
    ['REQUESTED_GRANTS', '[{"topic":"a","action":"own"}]', 'config/requested-grants/bad-grant'],
    ['POOL_TYPE', 'OMS Pool', 'config/pool-type/malformed'],
    ['INSTANCE_ID', '{org}-1', 'config/instance-id/unknown-placeholder'],
    ['INSTANCE_ID', 'a/b', 'config/instance-id/malformed'],
    ['TAGS', 'a b', 'config/tags/malformed'],
    ['SIDECAR_HOLD_APP', 'yes', 'config/hold-app/not-a-flag'],
    ['SIDECAR_ADDR', '0.0.0.0:9191', 'config/addr/not-loopback'],
    ['SIDECAR_BUS_API_URL', 'ftp://bus', 'config/bus-api-url/malformed'],
    ['SIDECAR_GRANT_TIMEOUT', 'soon', 'config/grant-timeout/not-a-duration'],
    ['VCAP_APPLICATION', '[', 'config/vcap-application/not-json'],
    ['VCAP_APPLICATION', '{"application_name":"my app"}', 'config/instance-id/malformed'],
  ])('is %s=%s', (name, value, id) => {
    expect(read({ ...pool, [name]: value }).errors).toEqual([expect.objectContaining({ id, exitCode: 78 })]);
  });

  test.each(['{space}-{app}-{process}-{index}', 'oms-{index}', 'oms'])('is not the template %s', (template) => {
    const vcap = '{"application_name":"oms","space_name":"dev"}';
    expect(read({ ...pool, INSTANCE_ID: template, VCAP_APPLICATION: vcap }).errors).toEqual([]);
  });

  test('comes with all the others in one pass, those of the file and a missing pool type included', () => {
    const environment = { SIDECAR_MEMORY: 'x', SIDECAR_FOR: ';', REQUESTED_GRANTS: '{', TAGS: 'a b' };
    const { errors, warnings } = read({ ...environment, SIDECAR_CONFIG: 'sidecar.yml' }, 'log_level: loud\n');
    expect(errors.map(({ id }) => id)).toEqual([
      'config/memory/not-megabytes',
      'config/for/malformed',
      'config/requested-grants/not-json',
      'config/tags/malformed',
      'config/log-level/unknown-value',
    ]);
    expect(warnings).toHaveLength(1);
  });

  test('names the id that an app name makes, and repeats no secret', () => {
    const { errors } = read({
      ...pool,
      VCAP_APPLICATION: '{"application_name":"my app"}',
      SIDECAR_BUS_TOKEN: 's3cret one',
    });
    expect(errors.map(({ message }) => message)).toEqual([
      'INSTANCE_ID is not set: {app}-{index} makes "my app-0"',
      'SIDECAR_BUS_TOKEN cannot be used as it is (its value is not shown)',
    ]);
  });
});
