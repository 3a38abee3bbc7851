import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { examineAppFolder } from '../../../src/doctor/app/app-folder.ts';
import { exitCodeFor } from '../../../src/doctor/finding.ts';
import { renderReport, reportAsJson } from '../../../src/doctor/report.ts';
import { readPage } from '../../docs/examples.ts';
import { examine, examineAll, type Folder, found, sound, web } from '../examined-folder.ts';

describe('a sound folder', () => {
  test.each<[string, Folder]>([
    ['with the defaults', {}],
    ['with a Procfile', { procfile: 'web: node plugin.js\nworker: node worker.js' }],
    [
      'with a sidecar for each of its processes',
      {
        app: { processes: [{ type: 'web' }, { type: 'worker', memory: '129M', instances: 3 }] },
        env: { SIDECAR_FOR: 'web,worker' },
      },
    ],
    [
      'whose health check asks the sidecar',
      {
        app: { 'health-check-type': 'http', 'health-check-http-endpoint': '/healthz' },
        env: { SIDECAR_HEALTH_ADDR: ':$PORT' },
      },
    ],
    [
      'whose sidecar its manifest declares, for a droplet that is pushed',
      {
        app: {
          buildpacks: null,
          sidecars: [{ name: 'meridian-sidecar', process_types: ['web'], memory: '200M', command: 'x' }],
        },
      },
    ],
    ['whose memory is just enough', { app: { memory: '129M' } }],
    [
      'with the settings in a file',
      {
        env: { SIDECAR_CONFIG: 'sidecar.yml' },
        configFile: 'bus_api_url: https://bus.example\ntags: [eod]',
      },
    ],
    [
      'with variables that cf push fills in',
      {
        env: { POOL_TYPE: '((pool))Pool' },
        options: { variables: { pool: 'OMS' } },
      },
    ],
    [
      'that knows this buildpack under another name',
      {
        app: { buildpacks: ['sidecar_by_ops', 'nodejs_buildpack'] },
        options: { buildpack: 'sidecar_by_ops' },
      },
    ],
    [
      'that names this buildpack by a repository',
      {
        app: { buildpacks: ['https://git.example/meridian-sidecar-buildpack#v1', 'nodejs_buildpack'] },
      },
    ],
    [
      'whose manifest merges defaults',
      {
        manifest: [
          'defaults: &defaults {buildpacks: [meridian-sidecar, nodejs_buildpack], env: {POOL_TYPE: OMSPool}}',
          'applications: [{name: oms, <<: *defaults}]',
        ].join('\n'),
      },
    ],
  ])('%s has no findings', async (_, folder) => {
    const report = await examine(folder);
    expect(found(report)).toEqual([]);
    expect(exitCodeFor(report.findings)).toBe(0);
  });
});

const documented = [...readPage('cloud-foundry.md').matchAll(/^```yaml \S*manifest\.yml\n(.*?)^```/gms)].map(
  ([, manifest = '']) => ({ manifest }),
);

test.each(documented)('manifest %# of docs/cloud-foundry.md has no errors', async ({ manifest }) => {
  expect(found(await examine({ manifest })).filter((each) => each.startsWith('error'))).toEqual([]);
});

describe('the buildpacks', () => {
  test.each<[string, unknown, string]>([
    ['none named', null, 'warning doctor/buildpacks/unnamed'],
    ['not this one', ['nodejs_buildpack'], 'error doctor/buildpacks/absent'],
    ['this one alone', ['meridian-sidecar'], 'error doctor/buildpacks/alone'],
    ['this one last', ['nodejs_buildpack', 'meridian-sidecar'], 'error doctor/buildpacks/last'],
    ['this one twice', ['meridian-sidecar', 'meridian-sidecar', 'nodejs_buildpack'], 'error doctor/buildpacks/twice'],
    [
      'ten of them',
      ['meridian-sidecar', ...Array.from({ length: 8 }, (_, at) => `b${at}`), 'nodejs_buildpack'],
      'error doctor/buildpacks/ten',
    ],
  ])('%s are found', async (_, buildpacks, expected) => {
    expect(found(await examine({ app: { buildpacks } }))).toEqual([expected]);
  });
});

const onPlatformPort = { SIDECAR_HEALTH_ADDR: ':$PORT' };

describe('a bad folder', () => {
  test.each<[string, Folder, string]>([
    ['a manifest that is no YAML', { manifest: 'applications: [' }, 'error doctor/manifest/yaml'],
    ['a manifest without applications', { manifest: 'apps: []' }, 'error doctor/manifest/applications'],
    ['an application that is not there', { options: { app: 'dgm' } }, 'error doctor/manifest/no-such-app'],
    ['a variable that nothing fills in', web({ instances: '((many))' }), 'error doctor/manifest/variables'],
    ['memory without a unit', web({ memory: 256 }), 'error doctor/manifest/memory'],
    ['memory that the sidecar takes whole', web({ memory: '128M' }), 'error doctor/memory/too-small'],
    [
      'memory that all sidecars together take',
      web({ sidecars: [{ name: 'proxy', process_types: ['web'], memory: '128M', command: 'x' }] }),
      'error doctor/memory/too-small',
    ],
    ['a Procfile line of its name', { procfile: 'web: a\nmeridian-sidecar: b' }, 'error doctor/processes/name-taken'],
    ['a process of its name', web({ processes: [{ type: 'meridian-sidecar' }] }), 'error doctor/processes/name-taken'],
    [
      'a sidecar of its name',
      web({ sidecars: [{ name: 'meridian-sidecar', process_types: ['web'], command: 'x' }] }),
      'error doctor/sidecars/name-taken',
    ],
    ['a type that nothing declares', web({}, { SIDECAR_FOR: 'web,worker' }), 'warning doctor/processes/unknown-type'],
    ['a type that the Procfile lacks', { procfile: 'worker: a' }, 'warning doctor/processes/unknown-type'],
    ['a fixed id for two instances', web({ instances: 2 }, { INSTANCE_ID: 'oms-1' }), 'error config/instance-id/fixed'],
    [
      'one id for two processes',
      web({ processes: [{ type: 'worker' }] }, { SIDECAR_FOR: 'web,worker', INSTANCE_ID: '{app}-{index}' }),
      'error doctor/instance-id/shared',
    ],
    [
      'a health check that nobody asks',
      web({ 'health-check-type': 'process' }, onPlatformPort),
      'warning doctor/health-check/unused',
    ],
    [
      'a health check of a page that is not there',
      web({ 'health-check-type': 'http' }, onPlatformPort),
      'error doctor/health-check/endpoint',
    ],
    [
      'a health check that restarts for the bus',
      web({ 'health-check-type': 'http', 'health-check-http-endpoint': '/readyz' }, onPlatformPort),
      'warning doctor/health-check/readiness',
    ],
    [
      'a health server on loopback',
      web({}, { SIDECAR_HEALTH_ADDR: '127.0.0.1:$PORT' }),
      'error doctor/health-check/loopback',
    ],
    ['no POOL_TYPE', web({}, { POOL_TYPE: '' }), 'warning config/pool-type/missing'],
    ['grants that are no JSON', web({}, { REQUESTED_GRANTS: '[{' }), 'error config/requested-grants/not-json'],
    [
      'a grant for no topic',
      web({}, { REQUESTED_GRANTS: '[{"topic":"a..b","action":"publish"}]' }),
      'error config/requested-grants/bad-grant',
    ],
    ['memory with a unit', web({}, { SIDECAR_MEMORY: '128M' }), 'error config/memory/not-megabytes'],
    ['a file that is not there', web({}, { SIDECAR_CONFIG: 'a.yml' }), 'error config/sidecar-config/unreadable'],
    [
      'a file with an unknown key',
      { env: { SIDECAR_CONFIG: 'a.yml' }, configFile: 'pool: x' },
      'error config/file/unknown-key',
    ],
    ['a variable that nothing reads', web({}, { SIDECAR_HELTH_ADDR: ':1' }), 'warning doctor/environment/unknown'],
    ['two addresses', web({}, { MERIDIAN_SIDECAR_ADDRESS: '127.0.0.1:1' }), 'warning doctor/environment/two-addresses'],
    ['a bound service', web({ services: ['bus'] }), 'warning doctor/services/not-visible'],
    [
      'a chosen service that is bound',
      web({ services: ['bus'] }, { SIDECAR_BUS_SERVICE: 'bus' }),
      'warning doctor/services/not-visible',
    ],
    ['a chosen service that is not', web({}, { SIDECAR_BUS_SERVICE: 'bus' }), 'warning config/bus-service/not-bound'],
  ])('with %s is told so, once', async (_, folder, expected) => {
    const report = await examine(folder);
    expect(found(report)).toEqual([expected]);
    expect(exitCodeFor(report.findings)).toBe(expected.startsWith('error') ? 78 : 0);
  });

  test('without a manifest is judged by the variables that are given', async () => {
    const [report] = await examineAppFolder(
      {
        name: 'folder',
        manifest: undefined,
        procfile: undefined,
        packageJson: undefined,
        readConfigFile: async () => undefined,
      },
      { variables: {}, env: { POOL_TYPE: 'no pool' } },
    );
    expect(report && found(report)).toEqual(['warning doctor/manifest/missing', 'error config/pool-type/malformed']);
  });
});

test('of several applications those are examined that name this buildpack, or the one that is chosen', async () => {
  const manifest = stringify({
    applications: [
      { name: 'site', buildpacks: ['nginx_buildpack'] },
      { ...sound, env: { POOL_TYPE: 'OMSPool' } },
      { ...sound, name: 'dgm', env: { POOL_TYPE: 'DGMPool' } },
    ],
  });
  const subjects = async (options = {}) => (await examineAll({ manifest, options })).map(({ subject }) => subject);
  expect(await subjects()).toEqual([expect.stringContaining('application oms'), expect.stringContaining('dgm')]);
  expect(await subjects({ app: 'site' })).toEqual([expect.stringContaining('application site')]);
});

describe('the table of settings', () => {
  const folder: Folder = {
    env: {
      SIDECAR_CONFIG: 'sidecar.yml',
      SIDECAR_BUS_TOKEN: 'very-secret-token',
      SIDECAR_DEPENDENCY_MIRROR: 'https://user:password@mirror.example',
      TAGS: 'eod,yahoo',
    },
    configFile: 'log_level: debug\noutbox: {bytes: 2MiB}\nshutdown: {drain: 2s}',
    options: { env: { SIDECAR_HEALTH_ADDR: 'user:password@nowhere' } },
  };

  test('says of each what it is and where it comes from', async () => {
    const { settings } = await examine(folder);
    const row = (wanted: string) => settings.find(({ name }) => name === wanted);
    expect(row('TAGS')).toMatchObject({ value: 'eod, yahoo', source: 'manifest.yml' });
    expect(row('INSTANCE_ID')).toMatchObject({ value: 'oms-0', source: 'default' });
    expect(row('SIDECAR_LOG_LEVEL')).toMatchObject({ value: 'debug', source: 'sidecar.yml, line 1' });
    expect(row('outbox.bytes')).toMatchObject({ value: '2 MiB', source: 'sidecar.yml, line 2' });
    expect(row('shutdown.drain')).toMatchObject({ value: '2s', source: 'sidecar.yml, line 3' });
    expect(row('shutdown.flush')).toMatchObject({ value: '1s', source: 'default' });
    expect(row('SIDECAR_HEALTH_ADDR')).toMatchObject({ value: 'cannot be used', source: 'command line' });
    expect(row('SIDECAR_BUS_TOKEN')).toMatchObject({ value: 'set, not shown', source: 'manifest.yml' });
    expect(row('SIDECAR_DEPENDENCY_MIRROR')).toMatchObject({ value: 'set, not shown' });
  });

  test('and the rest of the report hold no secret, as text and as JSON', async () => {
    const report = await examine(folder);
    const printed = `${renderReport(report, process.stdout)}${JSON.stringify(reportAsJson(report))}`;
    expect(printed).toContain('set, not shown');
    expect(printed).not.toContain('very-secret-token');
    expect(printed).not.toContain('password@mirror');
  });
});
