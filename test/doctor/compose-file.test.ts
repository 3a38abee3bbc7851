import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { examineComposeFile } from '../../src/doctor/compose/compose-file.ts';
import { endAll, runCli, writeTemporary } from '../sidecar/processes.ts';

afterEach(endAll);

interface Changes {
  readonly options?: Readonly<Record<string, unknown>>;
  readonly plugin?: Readonly<Record<string, unknown>>;
  readonly more?: Readonly<Record<string, unknown>>;
  readonly name?: string;
  /** Of the service that the provider brings. */
  readonly service?: Readonly<Record<string, unknown>>;
  /** At the top. */
  readonly top?: Readonly<Record<string, unknown>>;
}

/** A sound file with changes. */
function composeFile({ options, plugin, more, name = 'sidecar', service, top }: Changes = {}): string {
  return stringify({
    networks: { default: {} },
    ...top,
    services: {
      [name]: {
        provider: { type: 'meridian-sidecar', options: { 'pool-type': 'OMSPool', ...options } },
        networks: ['default'],
        ...service,
      },
      oms: {
        image: 'oms',
        network_mode: `container:\${COMPOSE_PROJECT_NAME}-${name}-1`,
        depends_on: [name],
        ...plugin,
      },
      ...more,
    },
  });
}

const files: Readonly<Record<string, string>> = {
  '/app/sidecar.yml': 'instance_id: oms-1\n',
  '/app/wrong.yml': 'pool_tpye: OMSPool\n',
  '/app/ca.pem': 'CA',
};

const found = (text: string): string[] =>
  examineComposeFile({
    name: 'compose.yaml',
    text,
    variables: { PWD: '/app', SET: 'OMSPool', EMPTY: '' },
    readFile(file) {
      const content = files[file];
      if (content === undefined) throw new Error(`ENOENT: no such file or directory, open '${file}'`);
      return content;
    },
  }).flatMap(({ findings }) =>
    findings.map(({ severity, fault }) => `${severity} ${fault.id.replace('doctor/compose/', '')}`),
  );

describe('in a Compose file', () => {
  test.each<[string, Changes]>([
    ['with the least', {}],
    ['with values that Compose fills in', { options: { memory: '$MEMORY', config: '$PWD/sidecar.yml' } }],
    ['with a pool type that is not known here', { options: { 'pool-type': `\${POOL_TYPE:?no pool}` } }],
    ['with a configuration file that is not known here', { options: { 'pool-type': '', config: `\${DIR}/side.yml` } }],
    [
      'with half a certificate that is not known',
      { options: { 'bus-certificate': '$A', 'bus-key': `\${PWD}/ca.pem` } },
    ],
    ['with a bus that is not known', { options: { bus: `\${BUS-}$BUS`, policy: '$PWD/ca.pem' } }],
    ['with a default that Compose takes', { options: { memory: `\${MEMORY:-192}`, tags: `\${TAGS-}` } }],
    ['with a dollar', { options: { tags: '' }, top: { 'x-note': 'costs $$5' } }],
    [
      'with another network',
      { options: { network: 'back' }, service: { networks: { back: {} } }, top: { networks: { back: null } } },
    ],
    ['with an external network', { options: { network: 'shared' }, top: { networks: { shared: { external: true } } } }],
    ['with a service whose name ends like that of the sidecar', { more: { 'x-sidecar': { image: 'x' } } }],
    ['with a list where one may be', { options: { publish: ['8080:8080', '9090:9090'] } }],
    ['with conditions on its dependency', { plugin: { depends_on: { sidecar: { condition: 'service_started' } } } }],
    ['with a name that needs no variables', { name: 'my-sidecar', options: { env: false } }],
  ])('nothing is wrong %s', (_, changes) => {
    expect(found(composeFile(changes))).toEqual([]);
  });

  test.each<[string, Changes, string[]]>([
    ['an option that does not exist', { options: { pooltype: 'OMSPool' } }, ['error unknown-option']],
    ['a value that is none of its values', { options: { bus: 'inside' } }, ['error config/bus/unknown-value']],
    ['a number that is none', { options: { memory: '128M' } }, ['error config/memory/not-megabytes']],
    ['a flag that is none', { options: { env: 'maybe' } }, ['error config/env/not-a-flag']],
    ['a relative path', { options: { config: './sidecar.yml' } }, ['error compose/file/relative']],
    ['a list where one value is due', { options: { bus: ['given', 'embedded'] } }, ['error option-value']],
    ['no pool type', { options: { 'pool-type': '' } }, ['error config/pool-type/missing']],
    ['a pool type with a blank', { options: { 'pool-type': 'OMS Pool' } }, ['error config/pool-type/malformed']],
    [
      'a wrong value that Compose fills in',
      { options: { 'pool-type': `\${SET} 1` } },
      ['error config/pool-type/malformed'],
    ],
    ['a variable that is empty', { options: { 'pool-type': `\${EMPTY}` } }, ['error config/pool-type/missing']],
    ['a default that is wrong', { options: { memory: `\${MEMORY:-64}` } }, ['error config/memory/not-megabytes']],
    ['too little memory', { options: { memory: 64 } }, ['error config/memory/not-megabytes']],
    ['a number with a fraction', { options: { memory: 128.5 } }, ['error config/memory/not-megabytes']],
    ['a time that is none', { options: { timeout: 60 } }, ['error config/timeout/not-a-duration']],
    [
      'a time to stop that is none',
      { options: { 'stop-timeout': '10' } },
      ['error config/stop-timeout/not-a-duration'],
    ],
    ['a flag of YAML 1.1', { options: { env: 'no' } }, ['error config/env/not-a-flag']],
    ['grants that are no JSON', { options: { 'requested-grants': 'all' } }, ['error config/requested-grants/not-json']],
    [
      'a grant of no action',
      { options: { 'requested-grants': '[{"topic":"a.b"}]' } },
      ['error config/requested-grants/bad-grant'],
    ],
    ['a list of grants as YAML has it', { options: { 'requested-grants': [{ topic: 'a' }] } }, ['error option-value']],
    ['a map', { options: { tags: { eod: true } } }, ['error option-value']],
    ['nothing behind an option', { options: { tags: null } }, ['error option-value']],
    ['a port that is none', { options: { publish: ['8080', 'http'] } }, ['error config/publish/malformed']],
    ['an address that is not loopback', { options: { addr: '0.0.0.0:9191' } }, ['error config/addr/not-loopback']],
    ['half a certificate', { options: { 'bus-key': '$PWD/ca.pem' } }, ['error config/tls/half-given']],
    ['a file that is not there', { options: { 'bus-ca': `\${PWD}/none.pem` } }, ['error compose/file/unreadable']],
    ['what its configuration file holds', { options: { config: '$PWD/wrong.yml' } }, ['error config/file/unknown-key']],
    ['a policy without its bus', { options: { policy: '$PWD/ca.pem' } }, ['error compose/bus/options']],
    ['a network that nobody lists', { service: { networks: undefined } }, ['error network-missing']],
    ['a network that is not declared', { top: { networks: {} } }, ['error network-missing']],
    ['a network of the engine, perhaps', { options: { network: 'prod' } }, ['warning network-foreign']],
    [
      'a network that others list',
      { service: { networks: [] }, more: { web: { image: 'web' } } },
      ['warning network-unlisted'],
    ],
    [
      'a plugin that joins the container of another service',
      { plugin: { network_mode: 'container:shop-x-sidecar-1' }, more: { 'x-sidecar': { image: 'x' } } },
      ['warning nobody-joins'],
    ],
    [
      'a plugin that joins the container of another project',
      { plugin: { network_mode: 'container:other-sidecar-1' }, top: { name: 'shop' } },
      ['warning nobody-joins'],
    ],
    [
      'a plugin that joins a container of which the project is only a part',
      { plugin: { network_mode: 'container:$COMPOSE_PROJECT_NAME-x-sidecar-1' } },
      ['warning nobody-joins'],
    ],
    ['a plugin that joins nobody', { plugin: { network_mode: 'bridge' } }, ['warning nobody-joins']],
    ['a plugin that does not wait', { plugin: { depends_on: [] } }, ['error depends-on']],
    ['a plugin that joins as Compose cannot', { plugin: { network_mode: 'service:sidecar' } }, ['error network-mode']],
    ['a plugin of several instances', { plugin: { deploy: { replicas: 2 } } }, ['error scaled']],
    [
      'two plugins',
      { more: { ems: { network_mode: 'container:shop-sidecar-1', depends_on: ['sidecar'] } } },
      ['error several-join'],
    ],
    ['a name that no shell can read', { name: 'my-sidecar' }, ['error compose/service/name']],
  ])('%s is found', (_, changes, expected) => {
    expect(found(composeFile(changes))).toEqual(expected);
  });

  test('all errors come at once, of every service', () => {
    const text = composeFile({
      options: { pooltype: 'x', memory: 'much' },
      more: { second: { provider: { type: 'meridian-sidecar', options: { poll: 1 } } } },
    });
    expect(found(text)).toEqual([
      'error unknown-option',
      'error config/memory/not-megabytes',
      'error unknown-option',
      'error config/pool-type/missing',
      'warning network-unlisted',
      'warning nobody-joins',
    ]);
  });

  test.each([
    ['is no YAML', 'services: [', 'error yaml'],
    ['has no service of ours', 'services: {web: {image: web}}', 'warning no-provider'],
    ['is empty', '', 'warning no-provider'],
  ])('a file that %s is told', (_, text, expected) => {
    expect(found(text)).toEqual([expected]);
  });
});

describe('meridian-sidecar doctor compose.yaml', () => {
  test('prints what is wrong, with the nearest name, and exits with 78', async () => {
    const file = writeTemporary('compose.yaml', composeFile({ options: { 'instanc-id': 'oms-1' } }));
    const doctor = runCli('doctor', file);
    expect(await doctor.exited).toBe(78);
    expect(doctor.stdout).toContain('service sidecar of compose.yaml');
    expect(doctor.stdout).toContain('- Write `instance-id`.  [doctor/compose/unknown-option]');
  });

  test('exits with 0 when nothing is, and with 64 when there is no such file', async () => {
    const sound = runCli('doctor', '--json', writeTemporary('compose.yaml', composeFile()));
    expect(await sound.exited).toBe(0);
    expect(JSON.parse(sound.stdout)).toMatchObject([{ subject: 'service sidecar of compose.yaml', findings: [] }]);
    const fixture = runCli('doctor', path.resolve('fixtures/compose/two-plugins/compose.yaml'));
    expect([await fixture.exited, fixture.stdout]).toEqual([0, expect.stringMatching(/nothing wrong found\n$/)]);
    const missing = runCli('doctor', 'no-such.yaml');
    expect(await missing.exited).toBe(64);
    expect(missing.stderr).toContain('[doctor/folder/unreadable]');
  });
});

describe('the command of a plugin', () => {
  test.each<[what: string, plugin: Record<string, unknown>]>([
    ['npm start', { command: 'npm start' }],
    ['a list', { command: ['npm', 'run', 'start'] }],
    ['an entrypoint before it', { entrypoint: ['/bin/sh', '-c'], command: ['node plugin.js; echo done'] }],
    ['a shell in a text', { command: `sh -c "node plugin.js"` }],
  ])('that keeps SIGTERM from it is found: %s', (_, plugin) => {
    expect(found(composeFile({ plugin }))).toEqual(['warning doctor/start-command/swallows-sigterm']);
  });

  test.each<[what: string, plugin: Record<string, unknown>]>([
    ['a program', { command: 'node plugin.js' }],
    ['what only a shell would read', { command: ['node', 'plugin.js', 'a; b'] }],
    ['a shell that becomes the program', { command: 'bash -c "exec node plugin.js"' }],
    ['none', { command: null, entrypoint: [] }],
  ])('that passes it on is not: %s', (_, plugin) => {
    expect(found(composeFile({ plugin }))).toEqual([]);
  });
});
